"""What is computed once for an array that nobody may change: a live figure needs it at every step."""

import weakref
from functools import wraps


def once_per_array(function):
    """Decorate a function of one array: a read-only array's result is kept as long as the array lives.

    For an array that can be written to it is computed at every call.
    """
    known = {}

    @wraps(function)
    def remembered(array):
        if getattr(getattr(array, "flags", None), "writeable", True):
            return function(array)
        key = id(array)
        if key not in known:
            known[key] = function(array)
            weakref.finalize(array, known.pop, key, None)
        return known[key]

    return remembered
