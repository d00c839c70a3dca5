"""How rewritten code asks the engine: by names in the namespace of builtins of the code that runs.

``__ufora_closed_INDEX__``
    True while the original expression runs, at the cost of one look-up: see ``gates``.
``__ufora_loop__(index, function, iterable, *key)``
    Takes the loop (True), or declines (False). ``function`` is what the reducer's name means just
    now (None for a bare comprehension; a tuple with the operands in front of the items, if there
    are any, or with what ``accumulate`` means if that stands in front of the items, and then what
    it is given besides comes in the place of the key): unless it is Python's own, the engine
    declines. Local variables that items read are in
    ``sys._getframe(1).f_locals``; ``Site.local_names`` says which.
``__ufora_view__(function, *operands)``
    Calls a function such as ``map`` in the place of an iterable; see ``stages.call``.
``__ufora_result__(*operand)``
    Called next by the same frame when the loop was taken: runs it and gives the value of the whole
    expression. The operand is the reducer's start or default, evaluated after the iterable as in
    the original.
``__ufora_items__()``
    Called next by the same frame when the engine declined: the iterable, which is not evaluated
    twice. What cannot be iterated fails here, as and where it did before.
``__ufora_reducer__()``
    Called before that where the reducer is not just a name: the function, with the operands in
    front of the items and the key function, none of which is evaluated twice.
"""

LOOP = "__ufora_loop__"
RESULT = "__ufora_result__"
ITEMS = "__ufora_items__"
REDUCER = "__ufora_reducer__"
