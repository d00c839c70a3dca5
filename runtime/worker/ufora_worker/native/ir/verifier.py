"""Whether a unit is well formed: what every later part may take for granted.

Operands have the types that ``operations`` asks for, every variable has one type and is assigned
before it is read on every path, control flow stands where it may, and the sink can take what is
emitted. What follows a ``break``, ``continue``, ``return`` or ``bail`` is never reached, so every
variable counts as assigned there.
"""

from collections.abc import Iterable

from ufora_worker.native.ir import nodes
from ufora_worker.native.ir.nodes import Atom, Block, Const, Function, Sink, Statement, Unit, Var
from ufora_worker.native.ir.signatures import BadOperands, result_type
from ufora_worker.native.ir.types import (
    BOOL,
    CHAR,
    COMPLEX,
    FLOAT,
    GREATEST_INT,
    INT,
    LEAST_INT,
    NUMPY_BOOL,
    NUMPY_FLOAT,
    NUMPY_INT,
    Array,
    Scalar,
    Type,
    leaves,
)

_TAKES = {
    Sink.TOTAL: (INT, BOOL),
    Sink.LEAST: (INT, FLOAT, BOOL),
    Sink.GREATEST: (INT, FLOAT, BOOL),
    Sink.SUM: (FLOAT,),
    Sink.COMPENSATED_SUM: (FLOAT,),
    Sink.ANY: (BOOL,),
    Sink.ALL: (BOOL,),
}

_CLASSES: dict[Scalar, type] = {
    BOOL: bool,
    INT: int,
    FLOAT: float,
    COMPLEX: complex,
    CHAR: int,
    NUMPY_BOOL: bool,
    NUMPY_INT: int,
    NUMPY_FLOAT: float,
}

_LIMITS = {
    INT: (LEAST_INT, GREATEST_INT),
    NUMPY_INT: (LEAST_INT, GREATEST_INT),
    CHAR: (0, 0x10FFFF),
}


class Malformed(Exception):
    """The unit breaks a rule of the IR: a fault of the part that made it, not of the user.

    ``where`` is the function and what of it, ``what`` the rule.
    """

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


def verify(unit: Unit) -> None:
    """Check every rule.

    Raises:
        Malformed: the first one that is broken.
    """
    if not unit.functions:
        raise Malformed("unit", "there is no item function")
    names = [function.name for function in unit.functions]
    for name in names:
        if names.count(name) > 1:
            raise Malformed(name, "two functions have this name")
    _check_sink(unit)
    _check_bounds(unit)
    _check_arrays(unit)
    for function in unit.functions:
        _Verifier(unit, function).verify()


def _check_sink(unit: Unit) -> None:
    where = f"sink {unit.sink.value}"
    if unit.sink in _TAKES and unit.emits not in _TAKES[unit.sink]:
        raise Malformed(where, f"it cannot take values of type {unit.emits}")
    if any(isinstance(leaf, Array) for leaf in leaves(unit.emits)):
        raise Malformed(where, "an array cannot be emitted")


def _check_arrays(unit: Unit) -> None:
    types = {parameter.name: parameter.type for parameter in unit.functions[0].parameters}
    for name in sorted(unit.spans | unit.dense):
        if not isinstance(types.get(name), Array):
            raise Malformed(f"array {name}", "the item function has no such array parameter")


def _check_bounds(unit: Unit) -> None:
    types = {parameter.name: parameter.type for parameter in unit.functions[0].parameters}
    for name, (least, greatest) in unit.bounds.items():
        if types.get(name) != INT:
            raise Malformed(f"bounds of {name}", "the item function has no such int parameter")
        if not LEAST_INT <= least <= greatest <= GREATEST_INT:
            raise Malformed(f"bounds of {name}", f"{least} to {greatest} is no range of ints")


#: Variables that are certainly assigned; None where control never comes.
_Assigned = set[str] | None


def _meet(states: Iterable[_Assigned]) -> _Assigned:
    """What is assigned where these paths come together."""
    reached = [state for state in states if state is not None]
    return set.intersection(*reached) if reached else None


class _Verifier:
    """Checks one function."""

    def __init__(self, unit: Unit, function: Function) -> None:
        self._unit = unit
        self._function = function
        self._is_item = function is unit.functions[0]
        self._callable = {each.name: each for each in unit.functions[1:]}
        self._types: dict[str, Type] = {}
        self._counters: list[str] = []
        #: For each loop around, what is assigned at its ``break`` statements.
        self._breaks: list[list[_Assigned]] = []

    def verify(self) -> None:
        function = self._function
        names = [parameter.name for parameter in function.parameters]
        if len(set(names)) < len(names):
            raise self._malformed("parameters", "two have the same name")
        if self._is_item and (not names or function.parameters[0].type != INT):
            raise self._malformed("parameters", "the first one has to be the item's index, an int")
        if (function.result is None) != self._is_item:
            raise self._malformed("result", "every function but the item function has one")
        if function.result is not None and _holds_array(function.result):
            raise self._malformed("result", "an array cannot be returned")
        for parameter in function.parameters:
            self._name(parameter, "parameters")
        end = self._block(function.body, set(names))
        if end is not None and not self._is_item:
            raise self._malformed("end", "control can come here without a `return`")

    def _malformed(self, where: str, what: str) -> Malformed:
        return Malformed(f"{self._function.name}, {where}", what)

    # ------------------------------------------------------------------ statements

    def _block(self, block: Block, before: _Assigned) -> _Assigned:
        """What is assigned after the block; ``before`` stays as it is."""
        assigned = None if before is None else set(before)
        for statement in block:
            assigned = self._statement(statement, assigned)
        return assigned

    def _statement(self, statement: Statement, assigned: _Assigned) -> _Assigned:
        match statement:
            case nodes.Let() | nodes.Invoke():
                return self._assignment(statement, assigned)
            case nodes.If():
                return self._if(statement, assigned)
            case nodes.While():
                return self._while(statement, assigned)
            case nodes.For():
                return self._for(statement, assigned)
            case nodes.Break() | nodes.Continue():
                self._leave(statement, assigned)
            case nodes.Return(value):
                self._return(value, assigned)
            case nodes.Emit(value):
                self._emit(value, assigned)
                return assigned
            case nodes.EndRow():
                self._end_row()
                return assigned
            case nodes.Bail():
                pass
        return None

    def _assignment(self, statement: nodes.Let | nodes.Invoke, assigned: _Assigned) -> _Assigned:
        target = statement.target
        what = statement.op if isinstance(statement, nodes.Let) else f"call {statement.function}"
        where = f"{target.name} = {what}"
        self._atoms(statement.args, where, assigned)
        if isinstance(statement, nodes.Let):
            try:
                gives = result_type(statement.op, statement.args)
            except BadOperands as error:
                raise self._malformed(where, str(error)) from error
        else:
            gives = self._called(statement, where)
        if gives != target.type:
            raise self._malformed(where, f"the result is {gives}, the target {target.type}")
        if target.name in self._counters:
            raise self._malformed(where, "the body of a `for` may not set its counter")
        return self._set(target, where, assigned)

    def _called(self, call: nodes.Invoke, where: str) -> Type:
        function = self._callable.get(call.function)
        if function is None or function.result is None:
            raise self._malformed(where, "there is no such function to call")
        takes = [parameter.type for parameter in function.parameters]
        got = [atom.type for atom in call.args]
        if takes != got:
            raise self._malformed(where, f"it takes {_listed(takes)}, and gets {_listed(got)}")
        return function.result

    def _if(self, statement: nodes.If, assigned: _Assigned) -> _Assigned:
        self._condition(statement.condition, "if", assigned)
        return _meet(
            [self._block(branch, assigned) for branch in (statement.then, statement.orelse)]
        )

    def _while(self, statement: nodes.While, assigned: _Assigned) -> _Assigned:
        around, self._breaks = self._breaks, []  # no leaving from a head
        tested = self._block(statement.head, assigned)
        self._breaks = [*around, []]
        self._condition(statement.condition, "while", tested)
        self._block(statement.body, tested)
        breaks = self._breaks.pop()
        ends = statement.condition != Const(BOOL, True)
        return _meet([self._block(statement.orelse, tested if ends else None), *breaks])

    def _for(self, statement: nodes.For, assigned: _Assigned) -> _Assigned:
        where = f"for {statement.counter.name}"
        limits = (statement.start, statement.stop, statement.step)
        self._atoms(limits, where, assigned)
        if any(each.type != INT for each in (*limits, statement.counter)):
            raise self._malformed(where, "counter, start, stop and step have to be ints")
        if statement.counter.name in self._counters:
            raise self._malformed(where, "a `for` around it has the same counter")
        inside = self._set(statement.counter, where, None if assigned is None else set(assigned))
        self._counters.append(statement.counter.name)
        self._breaks.append([])
        self._block(statement.body, inside)
        self._counters.pop()
        breaks = self._breaks.pop()
        return _meet([self._block(statement.orelse, assigned), *breaks])

    def _leave(self, statement: nodes.Break | nodes.Continue, assigned: _Assigned) -> None:
        word = type(statement).__name__.lower()
        if not self._breaks:
            raise self._malformed(word, "it is in no loop")
        if isinstance(statement, nodes.Break):
            self._breaks[-1].append(assigned)

    def _return(self, value: Atom | None, assigned: _Assigned) -> None:
        result = self._function.result
        if value is not None:
            self._atoms((value,), "return", assigned)
        if (None if value is None else value.type) != result:
            got = "nothing" if value is None else value.type
            wanted = "nothing" if result is None else result
            raise self._malformed("return", f"it returns {got} and has to return {wanted}")

    def _emit(self, value: Atom, assigned: _Assigned) -> None:
        self._atoms((value,), "emit", assigned)
        if not self._is_item:
            raise self._malformed("emit", "only the item function may emit")
        if value.type != self._unit.emits:
            what = f"the value is {value.type}, and the unit emits {self._unit.emits}"
            raise self._malformed("emit", what)

    def _end_row(self) -> None:
        if not self._is_item:
            raise self._malformed("endrow", "only the item function has rows")
        if self._unit.sink is not Sink.ROWS:
            raise self._malformed("endrow", "the unit's sink is not for rows")

    # ------------------------------------------------------------------ operands

    def _condition(self, condition: Atom, where: str, assigned: _Assigned) -> None:
        self._atoms((condition,), where, assigned)
        if condition.type != BOOL:
            raise self._malformed(where, f"the condition is {condition.type}, not a bool")

    def _atoms(self, atoms: Iterable[Atom], where: str, assigned: _Assigned) -> None:
        for atom in atoms:
            if isinstance(atom, Const):
                self._constant(atom, where)
                continue
            self._name(atom, where)
            if assigned is not None and atom.name not in assigned:
                raise self._malformed(where, f"{atom.name} may not have been assigned")

    def _constant(self, const: Const, where: str) -> None:
        expected = _CLASSES.get(const.type) if isinstance(const.type, Scalar) else None
        if expected is None or type(const.value) is not expected:
            raise self._malformed(where, f"{const.value!r} is no constant of type {const.type}")
        limits = _LIMITS.get(const.type) if isinstance(const.type, Scalar) else None
        if limits and not limits[0] <= const.value.real <= limits[1]:
            raise self._malformed(where, f"{const.value!r} is out of range for {const.type}")

    def _set(self, target: Var, where: str, assigned: _Assigned) -> _Assigned:
        self._name(target, where)
        if assigned is not None:
            assigned.add(target.name)
        return assigned

    def _name(self, var: Var, where: str) -> None:
        known = self._types.setdefault(var.name, var.type)
        if known != var.type:
            what = f"{var.name} is {var.type} here and {known} elsewhere"
            raise self._malformed(where, what)


def _holds_array(type: Type) -> bool:
    return any(isinstance(leaf, Array) for leaf in leaves(type))


def _listed(types: Iterable[Type]) -> str:
    return ", ".join(map(str, types)) or "nothing"
