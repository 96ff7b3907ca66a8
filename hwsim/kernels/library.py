"""The compiled element-wise stages: built once with the machine's C compiler, kept in the user's cache.

Building takes about a second and happens once for each version of the source and each kind of processor.
Where there is no C compiler, everything runs on torch's own operations, with the same results, in 2 to 2.6 times
the time; a warning says so once. With ``HWSIM_KERNELS=off`` in the environment it is meant.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import warnings
from ctypes import POINTER, Structure, c_float, c_int, c_int32, c_int64, c_uint64, c_void_p
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias

FLAGS: Final = (
    "-O3",
    "-march=native",
    "-std=c11",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-shared",
    "-fPIC",
)
"""Contraction stays off, so that compiled and plain results agree."""

IDENTITY, RELU, RELU6 = range(3)

Kernels: TypeAlias = Any
"""The loaded library; ctypes gives it no static type."""


class Tap(Structure):
    """One DAC at the end of a stage; `tile.c` documents the fields."""

    _fields_: ClassVar = [
        ("out", c_void_p),
        ("scale", c_void_p),
        ("shift", c_void_p),
        ("first", c_int64),
        ("last", c_int64),
        ("activation", c_int32),
        ("to_code", c_float),
        ("levels", c_float),
        ("from_code", c_float),
    ]


class Stage(Structure):
    """One fused stage; `tile.c` documents the fields."""

    _fields_: ClassVar = [
        ("images", c_int64),
        ("pixels", c_int64),
        ("channels", c_int64),
        ("current", c_void_p),
        ("stride", c_int64),
        ("gain", c_void_p),
        ("load", c_void_p),
        ("drop", c_void_p),
        ("load_gain", c_void_p),
        ("variance", c_void_p),
        ("read_std", c_float),
        ("noise_std", c_float),
        ("s_shape", c_float),
        ("converts", c_int32),
        ("to_code", c_float),
        ("levels", c_float),
        ("pool", c_void_p),
        ("noise_key", c_uint64),
        ("read_key", c_uint64),
        ("pool_mask", c_int64),
        ("first_image", c_int64),
        ("segment", c_int64),
        ("scale", c_void_p),
        ("shift", c_void_p),
        ("before", c_void_p),
        ("first_activation", c_int32),
        ("scale2", c_void_p),
        ("shift2", c_void_p),
        ("after", c_void_p),
        ("second_activation", c_int32),
        ("out", c_void_p),
        ("n_taps", c_int64),
        ("taps", POINTER(Tap)),
    ]


@functools.cache
def library() -> Kernels | None:
    """Return the compiled kernels as a ctypes library, or None where they cannot be built."""
    loaded = compiled(__package__, "tile.c")
    if loaded is None:
        return None
    loaded.hwsim_sizes.restype = c_int64
    if loaded.hwsim_sizes() != ctypes.sizeof(Stage) * 1000 + ctypes.sizeof(Tap):
        return None
    loaded.hwsim_stage.argtypes = [POINTER(Stage), c_int]
    loaded.hwsim_stage.restype = c_int
    loaded.hwsim_dac.argtypes = [c_void_p, c_void_p, c_int64, c_float, c_float, c_float, c_int]
    loaded.hwsim_dac.restype = None
    loaded.hwsim_dac_gradient.argtypes = [c_void_p, c_void_p, c_void_p, c_int64, c_float, c_int]
    loaded.hwsim_dac_gradient.restype = None
    loaded.hwsim_square.argtypes = [c_void_p, c_void_p, c_int64, c_int]
    loaded.hwsim_square.restype = c_int
    loaded.hwsim_adc.argtypes = [POINTER(Stage), c_void_p, c_int]
    loaded.hwsim_adc.restype = c_int
    loaded.hwsim_adc_gradient.argtypes = [c_void_p, c_void_p, c_void_p, c_void_p, c_int64, c_int64, c_int]
    loaded.hwsim_adc_gradient.restype = c_int
    return loaded


def compiled(package: str, file: str) -> Kernels | None:
    """Return a C file of a package as a loaded library, or None where it cannot be built, with a warning."""
    if switched_off():
        return None
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return _warn("no C compiler was found")
    try:
        with resources.as_file(resources.files(package) / file) as path:
            return ctypes.CDLL(str(_built(path, compiler)))
    except (OSError, subprocess.SubprocessError) as error:
        return _warn(f"{compiler} does not build {file} ({error})")


def switched_off() -> bool:
    """Return whether the environment asks for plain operations."""
    return os.environ.get("HWSIM_KERNELS", "").lower() == "off"


@functools.cache
def _warn(reason: str) -> None:
    warnings.warn(
        f"{reason}: simulation and training take 2 to 2.6 times as long; install a C compiler such as gcc, or set "
        "HWSIM_KERNELS=off to leave it at that",
        stacklevel=2,
    )


def cache_folder() -> Path:
    """Return where compiled kernels are kept."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "hwsim"


def _built(source: Path, compiler: str) -> Path:
    """Return the shared library of `source`, built if it is not in the cache."""
    text = source.read_text(encoding="utf-8")
    key = "\n".join((text, compiler, *FLAGS, platform.platform(), _processor()))
    name = f"{source.stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.so"
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a read-only home: build for this process only
        folder = Path(tempfile.mkdtemp(prefix="hwsim-"))
    target = folder / name
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=folder) as work:
        built = Path(work) / name
        for openmp in (["-fopenmp"], []):  # without it, stages run on one thread
            command = [compiler, *FLAGS, *openmp, str(source), "-o", str(built), "-lm"]
            if subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0:
                built.replace(target)  # atomic: another process may build the same
                return target
    raise OSError(f"{compiler} cannot build the kernels")


def _processor() -> str:
    """Return what `-march=native` depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
