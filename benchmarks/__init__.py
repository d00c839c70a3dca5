"""What Ufora costs, measured beside Dask and a process pool: ``python -m benchmarks``.

``engines`` gives the three one face, ``cases`` says what is measured, ``measurement`` runs the
cases in turns, and ``report`` prints what came out. ``native`` has the numeric programs, beside
numba and C, and the ordinary ones that must not lose (``--only native``).
"""
