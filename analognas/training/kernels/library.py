"""The compiled batch norm: built once by `hwsim`'s builder, kept in the user's cache; None without a C compiler."""

from __future__ import annotations

import ctypes
import functools
from ctypes import POINTER, Structure, c_float, c_int, c_int32, c_int64, c_void_p
from typing import Any, ClassVar, TypeAlias

from hwsim.kernels.library import compiled

Kernels: TypeAlias = Any
"""The loaded library; ctypes gives it no static type."""


class Norm(Structure):
    """One batch norm; `norm.c` documents the fields."""

    _fields_: ClassVar = [
        ("rows", c_int64),
        ("channels", c_int64),
        ("x", c_void_p),
        ("weight", c_void_p),
        ("bias", c_void_p),
        ("mean", c_void_p),
        ("inverse", c_void_p),
        ("variance", c_void_p),
        ("offset", c_void_p),
        ("running_mean", c_void_p),
        ("running_variance", c_void_p),
        ("eps", c_float),
        ("momentum", c_float),
        ("correction", c_float),
        ("relu_before", c_int32),
        ("relu_after", c_int32),
        ("y", c_void_p),
        ("grad", c_void_p),
        ("grad_x", c_void_p),
        ("grad_weight", c_void_p),
        ("grad_bias", c_void_p),
    ]


@functools.cache
def library() -> Kernels | None:
    """Return the compiled kernels, or None where they cannot be built."""
    loaded = compiled(__package__, "norm.c")
    if loaded is None:
        return None
    loaded.norm_size.restype = c_int64
    if loaded.norm_size() != ctypes.sizeof(Norm):
        return None
    for function in (loaded.norm_forward, loaded.norm_backward):
        function.argtypes = [POINTER(Norm), c_int]
        function.restype = c_int
    return loaded
