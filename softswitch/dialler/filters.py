"""Which leads of its lists a campaign dials: one expression over a lead's fields and what the system knows of it. Pure.

    segment == "north" and age >= 30 and not postal_code.startswith("N1")

It is read once by Python's own grammar and worked out over its tree; nothing is ever executed. A name is a field of the
list, or one of `ATTRIBUTES`; a field that the lead has not is empty text. Text is compared with a number as the number
that it says, and says none where it is no number: such a comparison does not hold.
"""

import ast
import operator
from collections.abc import Callable
from typing import Any, TypeAlias

from softswitch.dialler.lead import Lead
from softswitch.errors import UsageError

Value: TypeAlias = str | float | bool
Test: TypeAlias = Callable[[Lead], Any]

ATTRIBUTES: dict[str, Test] = {
    "priority": lambda lead: lead.priority,
    "attempts": lambda lead: lead.attempts,
    "last_outcome": lambda lead: str(lead.last_outcome),
    "time_zone": lambda lead: lead.time_zone,
}
"""Names that are no fields."""
LONGEST = 2000
"""Characters of an expression."""
MOST_NESTED = 40
_COMPARED = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip
_METHODS: dict[str, Callable[[str, str], bool]] = {"startswith": str.startswith, "endswith": str.endswith}


class LeadFilter:
    """One expression, read and checked."""

    def __init__(self, text: str) -> None:
        """text: empty takes every lead. Raises UsageError with the place and what is wrong with it."""
        self._test: Test = _everybody
        if not text.strip():
            return
        if len(text) > LONGEST:
            raise UsageError(f"is longer than {LONGEST} characters")
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            place = f", character {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
            raise UsageError(f"cannot be read{place}: it is no expression such as age >= 30") from None
        self._test = _truth(tree.body, 0)

    def takes(self, lead: Lead) -> bool:
        return bool(self._test(lead))


def _everybody(lead: Lead) -> bool:
    return True


def _truth(node: ast.expr, depth: int) -> Test:
    """Whether something is so."""
    if depth > MOST_NESTED:
        raise _wrong(node, "is nested too deeply")
    match node:
        case ast.BoolOp(op=op, values=values):
            parts = [_truth(each, depth + 1) for each in values]
            both = all if isinstance(op, ast.And) else any
            return lambda lead: both(part(lead) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            part = _truth(operand, depth + 1)
            return lambda lead: not part(lead)
        case ast.Compare():
            return _comparison(node)
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=[ast.Constant(value=str(given))], keywords=[]):
            if name not in _METHODS:
                raise _wrong(node, f"only {' and '.join(_METHODS)} can be asked of a field")
            method, of = _METHODS[name], _value(value)
            return lambda lead: method(str(of(lead)), given)
        case ast.Constant(value=bool(constant)):
            return lambda lead: constant
    raise _wrong(node, 'says nothing that is so or not: compare a field, as in segment == "north"')


def _comparison(node: ast.Compare) -> Test:
    if len(node.ops) != 1:
        raise _wrong(node, "compares more than two things: join two comparisons with and")
    op, left, right = node.ops[0], node.left, node.comparators[0]
    if isinstance(op, ast.In | ast.NotIn):
        what, wanted = _value(left), isinstance(op, ast.In)
        if isinstance(right, ast.Tuple | ast.List):
            members = [_constant(each) for each in right.elts]
            return lambda lead: any(_compared(operator.eq, what(lead), each) for each in members) is wanted
        where = _value(right)
        return lambda lead: (str(what(lead)) in str(where(lead))) is wanted
    how = _COMPARED.get(type(op))
    if how is None:
        raise _wrong(node, "compares in a way that is not known here")
    one, other = _value(left), _value(right)
    return lambda lead: _compared(how, one(lead), other(lead))


def _value(node: ast.expr) -> Test:
    """A field, an attribute or a constant."""
    if isinstance(node, ast.Name):
        name = node.id
        return ATTRIBUTES.get(name) or (lambda lead: lead.fields.get(name, ""))
    constant = _constant(node)
    return lambda lead: constant


def _constant(node: ast.expr) -> Value:
    match node:
        case ast.Constant(value=str() | int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    raise _wrong(node, "is neither a field nor a text or number")


def _compared(how: Callable[[Any, Any], bool], one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return how(one, other)
    try:
        return how(float(one), float(other))
    except ValueError:
        return how is operator.ne


def _wrong(node: ast.expr, why: str) -> UsageError:
    return UsageError(f"character {node.col_offset + 1}: {why}")
