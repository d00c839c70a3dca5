"""The fold of a ``for`` loop: the body again, with what the items compute left to them."""

import ast
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from ufora_core.compiler.effects.proof import quote
from ufora_core.compiler.for_loops.flow import base_name, reads
from ufora_core.compiler.for_loops.rules import (
    FUNCTIONS,
    LOOKING,
    METHODS,
    PLAIN,
    SUBSCRIPTED,
    NotSplit,
    not_split,
)
from ufora_core.compiler.trees import clone, placed

#: Expressions that use no special method of the values in them.
_KEEPING = (ast.Name, ast.Constant, ast.Tuple, ast.List)


@dataclass(frozen=True, slots=True)
class Target:
    """An object that the fold changes: the name that it has when the loop begins."""

    name: str
    #: The classes of which it must be exactly one.
    types: tuple[type, ...]
    #: Set where the objects in it change too: the classes that they must have.
    inner: tuple[type, ...] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier look at the body has shown to belong to the fold."""

    carried: frozenset[str]
    in_place: frozenset[str] = frozenset()
    #: Objects whose parts the fold changes.
    with_parts: frozenset[str] = frozenset()


class Folding(ABC):
    """Writes the fold's statements, and learns what belongs to the fold."""

    def __init__(self, own: frozenset[str], assigned: frozenset[str], known: Known) -> None:
        #: Names of the loop's own target, and all that its body assigns.
        self._own = own
        self._assigned = assigned
        self._known = known
        self._carried = known.carried
        #: Names that turned out to belong to the fold: everything is done again with them.
        self._found: set[str] = set(known.carried)
        self._in_place: set[str] = set()
        self._targets: dict[str, Target] = {}
        self._builtins: set[str] = set()
        self._looks = False
        #: Within an ``if`` that only the fold can decide.
        self._decided_by_fold = False

    @abstractmethod
    def _computed(self, node: ast.expr, *, immutable: bool = False) -> ast.expr:
        """Leave an expression to the item's part; what stands for it in the fold."""

    # ------------------------------------------------------------------ statements

    def folded(self, node: ast.stmt) -> ast.stmt:
        """A simple statement of the fold.

        Raises:
            NotSplit: it does something that is not known.
        """
        match node:
            case ast.AugAssign():
                folded: ast.stmt = self._augmented(node)
            case ast.Assign(targets=targets, value=value):
                stored = [self._stored(each) for each in targets]
                folded = ast.Assign(stored, self._value_for(targets, value))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                folded = clone(node)
                folded.target = self._stored(target)  # type: ignore[assignment]
                folded.value = self._value_for([target], value)
            case ast.Expr():
                folded = ast.Expr(self._effect(node))
            case ast.Raise():
                parts = (node.exc, node.cause)
                folded = ast.Raise(*[each and self._residual(each) for each in parts])
            case _:
                head = ast.unparse(node).partition("\n")[0].rstrip(":")
                raise not_split(
                    node,
                    f"`{head}` changes or reads what outlives a turn: let it make something of the "
                    "turn's own, and put that to the rest after it",
                )
        return ast.copy_location(folded, node)

    def _augmented(self, node: ast.AugAssign) -> ast.stmt:
        self._looks = True
        target = node.target
        if isinstance(target, ast.Name):
            self._found.add(target.id)
            self._in_place.add(target.id)
            stored: ast.expr = clone(target)
        else:
            stored = self._stored(target, inner=(object,))
        value = self._residual(node.value)
        return ast.AugAssign(stored, node.op, value)  # type: ignore[arg-type]

    def _stored(self, target: ast.expr, inner: tuple[type, ...] | None = None) -> ast.expr:
        """A target of an assignment, as the fold has it."""
        match target:
            case ast.Name(id=name):
                self._found.add(name)
                return clone(target)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                elements = [self._stored(each) for each in parts]
                return ast.copy_location(type(target)(elements, ast.Store()), target)
            case ast.Starred(value=inside):
                starred = ast.Starred(self._stored(inside), ast.Store())
                return ast.copy_location(starred, target)
            case ast.Subscript(value=container, slice=key):
                self._looks = True
                holder = self._holder(container, SUBSCRIPTED, inner)
                subscript = ast.Subscript(holder, self._residual(key), ast.Store())
                return ast.copy_location(subscript, target)
        raise not_split(
            target,
            f"{quote(target)} is an attribute, and what assigning it does is up to its class: use "
            "a variable in the loop, and assign it afterwards",
        )

    def _holder(
        self, node: ast.expr, types: tuple[type, ...], inner: tuple[type, ...] | None
    ) -> ast.expr:
        """An expression for an object that the fold changes."""
        match node:
            case ast.Name(id=name) if name not in self._own:
                self._change(node, Target(name, types, inner))
                return clone(node)
            case ast.Subscript(value=ast.Name(), slice=key):
                self._looks = True
                container = self._holder(node.value, SUBSCRIPTED, types)
                subscript = ast.Subscript(container, self._residual(key), ast.Load())
                return ast.copy_location(subscript, node)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(), attr="setdefault"),
                args=[key, ast.expr() as default],
                keywords=[],
            ) if _is_fresh(default):
                self._looks = True
                container = self._holder(
                    cast(ast.Attribute, node.func).value, METHODS["setdefault"], types
                )
                function = ast.Attribute(container, "setdefault", ast.Load())
                call = ast.Call(function, [self._residual(key), clone(default)], [])
                return placed(call, node)
        what = "an item" if base_name(node) in self._own else "something"
        raise not_split(
            node, f"{quote(node)} is {what} that the loop changes: make a new object instead"
        )

    def _change(self, node: ast.AST, target: Target) -> None:
        """The fold changes the object that a name stands for."""
        if target.name in self._assigned:
            self._found.add(target.name)
            raise not_split(
                node,
                f"`{target.name}` is assigned in the loop and what it stands for is changed in "
                "it too: do one of both",
            )
        self._found.add(target.name)
        before = self._targets.get(target.name, target)
        types = tuple(each for each in before.types if each in target.types)
        inner = before.inner or target.inner
        if before.inner is not None and target.inner is not None:
            inner = before.inner if target.inner == (object,) else target.inner
        self._targets[target.name] = Target(target.name, types, inner)

    def _value_for(self, targets: Iterable[ast.expr], value: ast.expr) -> ast.expr:
        """The right side of an assignment. A value that gets into an object whose parts the fold
        changes in place must not be one that an item could see."""
        if _makes_new(value):
            return self._residual(value)
        for target in targets:
            holder = base_name(target)
            if holder is not None and holder in self._shares(target):
                return self._immutable_value(value)
        return self._residual(value)

    def _shares(self, target: ast.expr) -> frozenset[str]:
        """Names of objects that are changed in place, or whose parts are."""
        if not isinstance(target, ast.Subscript):
            return self._known.in_place
        return self._known.with_parts

    def _immutable_value(self, value: ast.expr) -> ast.expr:
        if not reads(value).isdisjoint(self._carried | self._found) or self._decided_by_fold:
            raise not_split(
                value, f"{quote(value)} may be changed in place later on: make a copy of it"
            )
        return self._computed(value, immutable=True)

    def _effect(self, node: ast.Expr) -> ast.expr:
        """An expression that stands by itself, for what it does."""
        call = node.value
        match call:
            case ast.Constant():
                return clone(call)
            case ast.Call(func=ast.Name(id="print")):
                return self._call(call)
            case ast.Call(func=ast.Attribute(value=holder, attr=name)) if name in METHODS:
                if name not in ("append", "appendleft"):
                    self._looks = True
                types = METHODS[name]
                function = ast.Attribute(self._holder(holder, types, None), name, ast.Load())
                ast.copy_location(function, call.func)
                keep = self._kept_by(holder)
                arguments = [self._argument(each, keep) for each in call.args]
                if call.keywords:
                    raise not_split(
                        call, f"{quote(call)} has keywords, which are not looked into here"
                    )
                return ast.copy_location(ast.Call(function, arguments, []), call)
            case _:
                raise not_split(
                    call,
                    f"{quote(call)} stands by itself, so it is there for what it changes, and that "
                    "is not known: let it return a value instead",
                )

    def _kept_by(self, holder: ast.expr) -> bool:
        """Whether parts of what is kept there may be changed in place."""
        return isinstance(holder, ast.Name) and holder.id in self._known.with_parts

    def _argument(self, value: ast.expr, immutable: bool) -> ast.expr:
        if immutable and not _makes_new(value):
            return self._immutable_value(value)
        return self._residual(value)

    # ------------------------------------------------------------------ expressions

    def _residual(self, node: ast.expr) -> ast.expr:
        """An expression of the fold, with what the item's part can compute left to it."""
        if reads(node).isdisjoint(self._carried) and not isinstance(node, ast.Starred):
            if _is_atom(node):
                return clone(node)
            if not self._decided_by_fold:
                return self._computed(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if not isinstance(node, PLAIN):
            raise self._depends(node)
        self._looks = self._looks or not isinstance(node, _KEEPING)
        copied = clone(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(copied, name, self._residual(value))
            elif isinstance(value, list):
                parts = [self._residual(x) if isinstance(x, ast.expr) else x for x in value]
                setattr(copied, name, parts)
        return copied

    def _call(self, node: ast.Call) -> ast.expr:
        function: ast.expr
        match node.func:
            case ast.Name(id=name) if name in FUNCTIONS and name not in self._assigned:
                self._builtins.add(name)
                self._looks = True
                function = clone(node.func)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if attribute in LOOKING:
                self._looks = True
                holder = self._holder(node.func.value, LOOKING[attribute], None)
                function = ast.copy_location(
                    ast.Attribute(holder, attribute, ast.Load()), node.func
                )
            case _:
                raise self._depends(node)
        arguments = [self._residual(each) for each in node.args]
        keywords = [
            ast.copy_location(ast.keyword(each.arg, self._residual(each.value)), each)
            for each in node.keywords
        ]
        return ast.copy_location(ast.Call(function, arguments, keywords), node)

    def _depends(self, node: ast.expr) -> NotSplit:
        names = sorted(reads(node) & self._carried)
        if names:
            return not_split(
                node, f"{quote(node)} depends on `{names[0]}`, which other turns change"
            )
        return not_split(
            node, f"whether {quote(node)} is reached depends on other turns: do it before that"
        )


def _is_atom(node: ast.expr) -> bool:
    """Whether the fold may as well evaluate it itself."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.Name | ast.Constant) or _is_empty(node)


def _is_empty(node: ast.expr) -> bool:
    return (isinstance(node, ast.List | ast.Tuple) and not node.elts) or (
        isinstance(node, ast.Dict) and not node.keys
    )


def _is_fresh(node: ast.expr) -> bool:
    """Whether it makes an object that nobody else has."""
    return _is_empty(node) or (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("list", "dict", "set")
        and not node.args
    )


def _makes_new(node: ast.expr) -> bool:
    """Whether the value is no object that existed before, or an immutable one."""
    makers = (ast.BinOp, ast.Compare, ast.Constant, ast.JoinedStr, ast.UnaryOp)
    return isinstance(node, makers) or _is_empty(node)
