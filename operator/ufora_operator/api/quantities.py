"""Kubernetes' quantities (``500m``, ``10Gi``) as numbers, to compare them."""

import re
from decimal import Decimal

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
}
_PARTS = re.compile(
    r"(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE](?P<exponent>[+-]?[0-9]+)|(?P<suffix>[a-zA-Z]*))"
)


def amount(quantity: str) -> Decimal:
    """The number that a quantity stands for.

    Raises:
        ValueError: it is none.
    """
    parts = _PARTS.fullmatch(quantity)
    if parts is None or (parts["suffix"] or "") not in _SUFFIXES:
        raise ValueError(f"{quantity!r} is no quantity, such as 2, 500m or 10Gi")
    return (
        Decimal(parts["number"]).scaleb(int(parts["exponent"] or 0))
        * (_SUFFIXES[parts["suffix"] or ""])
    )
