"""The C headers as ctypes reads them, against the layout that the C compiler gives them."""

import ctypes
import os
import shutil
import subprocess
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

from hwsim.kernels.header import read_header

HEADERS = {
    resources.files("hwsim.kernels") / "tile.h": {"Tap", "Stage"},
    resources.files("hwsim.chip_cost") / "place.h": {"Placement"},
    resources.files("analognas.training.kernels") / "norm.h": {"Norm"},
}
COMPILER = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.name)
def test_sizes_and_offsets_are_those_of_the_compiler(header: Traversable, tmp_path: Path) -> None:
    structures = read_header(header.read_text(encoding="utf-8")).structures
    assert set(structures) == HEADERS[header]
    wanted, lines = [], []
    for name, structure in structures.items():
        wanted.append(ctypes.sizeof(structure))
        lines.append(f"sizeof({name})")
        for field, _ in structure._fields_:
            wanted.append(getattr(structure, field).offset)
            lines.append(f"offsetof({name}, {field})")
    prints = "".join(f'printf("%zu\\n", {line});' for line in lines)
    source = tmp_path / "layout.c"
    source.write_text(
        f'#include <stddef.h>\n#include <stdio.h>\n#include "{header}"\nint main(void) {{ {prints} return 0; }}\n'
    )
    program = tmp_path / "layout"
    subprocess.run([str(COMPILER), str(source), "-o", str(program)], check=True)
    found = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout.split()
    assert [int(number) for number in found] == wanted


def test_functions_and_constants_are_read() -> None:
    header = read_header(
        "enum { NONE = 0, ALL = 4 };\nint f(const float *x, int64_t n, float y);\nvoid g(int n);\n"
    )
    assert header.constants == {"NONE": 0, "ALL": 4}
    assert header.functions["f"].result is ctypes.c_int
    assert header.functions["f"].arguments == [ctypes.c_void_p, ctypes.c_int64, ctypes.c_float]
    assert header.functions["g"] == (None, [ctypes.c_int])


def test_a_type_that_it_does_not_know_is_refused() -> None:
    with pytest.raises(KeyError, match="double"):
        read_header("typedef struct { double x; } Wide;")
