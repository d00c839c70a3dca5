"""How fast numeric loops run: beside CPython, numba, and C with checked arithmetic."""
