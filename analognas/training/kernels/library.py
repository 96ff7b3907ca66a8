"""The compiled batch norm: built once by `hwsim`'s builder, kept in the user's cache; None without a C compiler."""

from __future__ import annotations

import functools
from typing import Any, Final, TypeAlias

from hwsim.kernels.library import compiled, header_of

Kernels: TypeAlias = Any
"""The loaded library; ctypes gives it no static type."""

_HEADER: Final = header_of(__package__, "norm.h")
Norm: Final[Any] = _HEADER.structures["Norm"]


@functools.cache
def library() -> Kernels | None:
    """Return the compiled kernels, or None where they cannot be built."""
    return compiled(__package__, "norm.c", _HEADER)
