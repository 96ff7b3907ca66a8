"""The declarations of a C header for ctypes, so that structures are written down once.

It reads a small part of C: structures of numbers of fixed width, `float` and pointers, functions of these and `int`,
and enumerations with their values. Every pointer is a `c_void_p`. Anything else raises, when the package is imported.
"""

from __future__ import annotations

import re
from ctypes import Structure, c_float, c_int, c_int32, c_int64, c_uint8, c_uint64, c_void_p
from typing import Any, Final, NamedTuple

_TYPES: Final[dict[str, Any]] = {
    "float": c_float,
    "int": c_int,
    "int32_t": c_int32,
    "int64_t": c_int64,
    "uint64_t": c_uint64,
    "uint8_t": c_uint8,
    "void": None,
}


class Function(NamedTuple):
    """What ctypes has to know of a function."""

    result: Any
    arguments: list[Any]


class Header(NamedTuple):
    """The declarations of a header, by name."""

    structures: dict[str, type[Structure]]
    functions: dict[str, Function]
    constants: dict[str, int]


def read_header(text: str) -> Header:
    """Return what a header declares.

    Raises:
        KeyError: for a type that is not known.

    Example:
        >>> pair = read_header("typedef struct { const float *x, *y; int64_t n; } Pair;").structures["Pair"]
        >>> pair(n=3).n, [name for name, _ in pair._fields_]
        (3, ['x', 'y', 'n'])
    """
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    structures, functions = {}, {}
    for body, name in re.findall(r"typedef struct \{(.*?)\} (\w+);", text, re.DOTALL):
        fields = [field for line in body.split(";") if line.strip() for field in _declared(line)]
        structures[name] = type(name, (Structure,), {"_fields_": fields})
    for result, name, arguments in re.findall(r"^(\w+) (\w+)\((.*?)\);", text, re.DOTALL | re.MULTILINE):
        declared = [_declared(argument)[0][1] for argument in arguments.split(",")]
        functions[name] = Function(_TYPES[result], declared)
    constants = {name: int(value) for name, value in re.findall(r"(\w+) = (\d+)", text)}
    return Header(structures, functions, constants)


def _declared(declaration: str) -> list[tuple[str, Any]]:
    """Return name and type of all that ``const float *a, *b`` declares."""
    kind, names = declaration.split("const ")[-1].split(maxsplit=1)
    return [(name.strip(" *"), c_void_p if "*" in name else _TYPES[kind]) for name in names.split(",")]
