"""Statements of written source, broken over lines where they are too long, as `ruff format` breaks them.

A call gets its arguments on a line of their own, or each on its own line where one is not enough; tuples and lists get
each entry on its own line. Other expressions stay as they are.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

LINE: Final = 110
_STEP: Final = 4


def laid_out(statement: str, indent: int = 0) -> list[str]:
    """Return the lines of a statement in one line: a call, an assignment, or a `return`.

    >>> laid_out("x = (1, 2)")
    ['x = (1, 2)']
    """
    flat = " " * indent + statement
    if len(flat) <= LINE:
        return [flat]
    parsed = ast.parse(f"def _():\n {statement}").body[0]
    assert isinstance(parsed, ast.FunctionDef)
    (inner,) = parsed.body
    if not isinstance(inner, ast.Assign | ast.Return | ast.Expr) or inner.value is None:
        return [flat]
    value = _source(statement, inner.value)
    return list(_lines(statement, statement.removesuffix(value), inner.value, "", indent))


def _lines(statement: str, before: str, value: ast.expr, after: str, indent: int) -> Iterator[str]:
    """Yield the lines of an expression of a statement, with what stands before and after it."""
    margin, source = " " * indent, _source(statement, value)
    flat = f"{margin}{before}{source}{after}"
    parts = list(_parts(statement, value))
    if len(flat) <= LINE or not parts:
        yield flat
        return
    start = f"{_source(statement, value.func)}(" if isinstance(value, ast.Call) else source[0]
    yield f"{margin}{before}{start}"
    inside = ", ".join(f"{name}{_source(statement, part)}" for name, part in parts)
    if isinstance(value, ast.Call) and indent + _STEP + len(inside) <= LINE:
        yield f"{margin}{' ' * _STEP}{inside}"
    else:
        for name, part in parts:
            yield from _lines(statement, name, part, ",", indent + _STEP)
    yield f"{margin}{source[-1]}{after}"


def _parts(statement: str, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield what stands between the brackets of an expression: the name of an argument with `=`, and its value."""
    if isinstance(value, ast.Tuple | ast.List):
        yield from (("", entry) for entry in value.elts)
    elif isinstance(value, ast.Call):
        yield from (("", entry) for entry in value.args)
        yield from ((f"{entry.arg}=", entry.value) for entry in value.keywords)


def _source(statement: str, node: ast.expr) -> str:
    """Return the source of an expression of a statement, which was parsed in a line of its own after one blank."""
    line = f" {statement}".encode()
    return line[node.col_offset : node.end_col_offset].decode()
