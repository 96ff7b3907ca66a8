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
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeAlias

from hwsim.kernels.header import Header, read_header

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

Kernels: TypeAlias = Any
"""The loaded library; ctypes gives it no static type."""


def header_of(package: str, file: str) -> Header:
    """Return what a C header of a package declares."""
    return read_header((resources.files(package) / file).read_text(encoding="utf-8"))


_HEADER: Final = header_of(__package__, "tile.h")
Stage: Final[Any] = _HEADER.structures["Stage"]
Tap: Final[Any] = _HEADER.structures["Tap"]
IDENTITY, RELU, RELU6 = (_HEADER.constants[name] for name in ("IDENTITY", "RELU", "RELU6"))
TOWARD_ZERO, FLOOR, HALF_UP, HALF_EVEN, HALF_AWAY = (
    _HEADER.constants[name] for name in ("TOWARD_ZERO", "FLOOR", "HALF_UP", "HALF_EVEN", "HALF_AWAY")
)


@functools.cache
def library() -> Kernels | None:
    """Return the compiled kernels as a ctypes library, or None where they cannot be built."""
    return compiled(__package__, "tile.c", _HEADER)


def compiled(package: str, file: str, header: Header) -> Kernels | None:
    """Return a C file of a package as a loaded library with the functions of `header`.

    None where it cannot be built, with a warning.
    """
    if switched_off():
        return None
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return _warn("no C compiler was found")
    try:
        with resources.as_file(resources.files(package)) as folder:  # the file with its headers
            loaded = ctypes.CDLL(str(_built(Path(folder) / file, compiler)))
    except (OSError, subprocess.SubprocessError) as error:
        return _warn(f"{compiler} does not build {file} ({error})")
    for name, function in header.functions.items():
        compiled_function = getattr(loaded, name)
        compiled_function.restype, compiled_function.argtypes = function.result, function.arguments
    return loaded


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
    sources = [source, *sorted(source.parent.glob("*.h"))]
    text = [path.read_text(encoding="utf-8") for path in sources]
    key = "\n".join((*text, compiler, *FLAGS, platform.platform(), _processor()))
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
