"""What Python keeps for a whole process and programs set: where random numbers go on, how precise
decimals are, what NumPy makes of errors, which warnings are raised.

A block goes on with what its program has set, and the program with what the block leaves: a program
that calls ``random.seed(1)`` draws the same numbers on a cluster as without one. The value of a
state is plain data (numbers, texts, bytes, None, and lists of those), so that it travels as it is.
"""

import sys
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ufora_core import warning_filters

#: What a state holds, as plain data.
Value = Any
#: By the names of ``STATES``.
Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class State:
    """One state of a process, which a module keeps."""

    module: str
    #: Its value; called with the module. None where it has none that could travel.
    read: Callable[[Any], Value]
    #: Sets it; called with the module and what ``read`` gave.
    write: Callable[[Any, Value], object]
    #: Its value in a new process; called with the module. None: that is another one each time.
    default: Callable[[Any], Value] | None
    #: What a block sets is set in its program.
    comes_home: bool = True


def read() -> dict[str, Value]:
    """The states of this process and thread, of the modules that are imported."""
    known = {name: sys.modules.get(state.module) for name, state in STATES.items()}
    values = {name: STATES[name].read(module) for name, module in known.items() if module}
    return {name: value for name, value in values.items() if value is not None}


def write(values: Values) -> None:
    """Set states as they were read elsewhere, those of modules that nobody imported here yet, too.

    A module that is not installed here is left out: no code that runs here asks for its state.
    """
    for name, value in values.items():
        state = STATES.get(name)
        module = None if state is None else _module(state.module)
        if state is not None and module is not None:
            state.write(module, value)


def restore(before: Values, now: Values) -> None:
    """Leave nothing of a program that ran between these two reads. Random numbers that were drawn
    or seeded meanwhile begin anew: none may come twice."""
    for name, value in now.items():
        if value == before.get(name):
            continue
        state, module = STATES[name], sys.modules[STATES[name].module]
        if state.default is None:
            module.seed()
        else:
            state.write(module, before[name] if name in before else state.default(module))


def unusual(values: Values) -> dict[str, Value]:
    """The states of this process that a new one would not have."""
    return {name: value for name, value in values.items() if value != _default(STATES[name])}


def changed(before: Values, now: Values) -> dict[str, Value]:
    """Those states of ``now`` that are for the program, and not as they were before."""
    return {
        name: value
        for name, value in now.items()
        if STATES[name].comes_home and before.get(name) != value
    }


def without_chance(values: Values) -> dict[str, Value]:
    """The states with which any number of jobs may begin: no two may draw the same numbers."""
    return {name: value for name, value in values.items() if STATES[name].default is not None}


def _default(state: State) -> Value:
    return None if state.default is None else state.default(sys.modules[state.module])


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


# ------------------------------------------------------------------ random numbers


def _read_random(random: Any) -> Value:
    version, words, gauss = random.getstate()
    return [version, array("I", words).tobytes(), gauss]


def _write_random(random: Any, value: Value) -> None:
    version, words, gauss = value
    random.setstate((version, tuple(array("I", words)), gauss))


def _read_numpy_random(random: Any) -> Value:
    kind, words, *rest = random.get_state()
    return None if kind != "MT19937" else [kind, words.tobytes(), *rest]


def _write_numpy_random(random: Any, value: Value) -> None:
    kind, words, *rest = value
    random.set_state((kind, array("I", words), *rest))


# ------------------------------------------------------------------ decimals


_DECIMAL = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")


def _settings_of(context: Any) -> Value:
    settings = [getattr(context, name) for name in _DECIMAL]
    return [settings, _signals(context.flags), _signals(context.traps)]


def _signals(table: Mapping[type, bool]) -> list[str]:
    return [signal.__name__ for signal, is_set in table.items() if is_set]


def _write_decimal(decimal: Any, value: Value) -> None:
    settings, *signals = value
    context = decimal.getcontext()
    for name, setting in zip(_DECIMAL, settings, strict=True):
        setattr(context, name, setting)
    for table, names in zip((context.flags, context.traps), signals, strict=True):
        for signal in table:
            table[signal] = signal.__name__ in names


# ------------------------------------------------------------------ the table

#: What NumPy makes of errors until a program says something else.
NUMPY_ERRORS = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}

STATES: dict[str, State] = {
    "random": State("random", _read_random, _write_random, None),
    "numpy.random": State("numpy.random", _read_numpy_random, _write_numpy_random, None),
    "numpy": State(
        "numpy",
        lambda numpy: numpy.geterr(),
        lambda numpy, value: numpy.seterr(**value),
        lambda numpy: NUMPY_ERRORS,
    ),
    "decimal": State(
        "decimal",
        lambda decimal: _settings_of(decimal.getcontext()),
        _write_decimal,
        lambda decimal: _settings_of(decimal.DefaultContext),
    ),
    "digits": State(
        "sys",
        lambda sys: sys.get_int_max_str_digits(),
        lambda sys, value: sys.set_int_max_str_digits(value),
        lambda sys: sys.int_info.default_max_str_digits,
    ),
    # A block's own would come with what the cluster's packages ignore.
    "warnings": State(
        "warnings", warning_filters.read, warning_filters.write, lambda warnings: [], False
    ),
}
