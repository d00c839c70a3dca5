"""Native code: items of a loop as checked machine code.

``translate`` makes typed IR (``ir``) of a site's expression and of the functions that it calls, or
refuses with a reason; ``intervals`` removes the checks that cannot fail; ``llvm`` makes machine
code of it; ``body`` runs slices with it. Nothing here ever guesses: what is not certainly CPython's
result *bails*, and that one item is run again in CPython.
"""
