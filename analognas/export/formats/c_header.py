"""`c-header`: the analog layers as a C99 header for a runtime without an operating system."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from analognas.export.artefact import Artefact, Format
from analognas.export.error import ExportError

if TYPE_CHECKING:
    from hwsim.modules import AnalogLayer

_FILE: Final = "model.h"
COMPILER_S: Final = 300
"""Longest time that compiling the header may take."""
FLAGS: Final = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror")
SAME_SHARE: Final = 0.98
"""Share of outputs that must be the same; sums in another order move some by one step of the ADC."""


def _write(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
    from analognas.export.c_source import c_source

    net = artefact.fits
    statistics = {"mean": artefact.model.mean, "std": artefact.model.std}
    classes = artefact.example[1].shape[1]
    title = "; ".join([artefact.description.name, *artefact.description.notes])
    text = c_source(net, statistics, title, classes)
    (folder / _FILE).write_text(text, encoding="ascii")
    return (folder / _FILE,)


def _check(artefact: Artefact, folder: Path) -> str:
    import torch

    from analognas.export.c_source import arrays_of, read_arrays
    from hwsim.conversion import analog_layers

    assert artefact.net is not None
    found = read_arrays((folder / _FILE).read_text(encoding="ascii"))
    layers = dict(analog_layers(artefact.net))
    for number, (name, layer) in enumerate(layers.items()):
        for array, values in arrays_of(layer).items():
            held = torch.tensor(found[f"analognas_{array}_{number}"], dtype=values.dtype)
            if not torch.equal(held, values.cpu()):
                raise ExportError(f"{_FILE} held another {array} of `{name}` when it was loaded again")
    same = f"the arrays of {len(layers)} layers are the same, bit for bit"
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return f"{same}; not compiled, no C compiler is installed"
    return f"{same}; {_compared(layers, folder / _FILE, compiler)}"


def _compared(layers: dict[str, AnalogLayer], header: Path, compiler: str) -> str:
    """Compile the header, run a product of each layer, and compare it with `hwsim`."""
    import torch

    from analognas.export.c_source import product

    generator = torch.Generator().manual_seed(0)
    n_outputs = n_same = 0
    with TemporaryDirectory() as outside:
        program = _compiled(header, Path(outside), compiler)
        for number, (name, layer) in enumerate(layers.items()):
            limit = float(layer.input_range.detach().max())
            x = (torch.rand(layer.mapping.rows, generator=generator) * 2 - 1) * limit
            said = " ".join(["", *(f"{value:.9g}" for value in x.tolist())])
            done = subprocess.run(
                [program, str(number)],
                input=said,
                capture_output=True,
                text=True,
                check=True,
                timeout=COMPILER_S,
            )
            found, expected = torch.tensor([float(value) for value in done.stdout.split()]), product(layer, x)
            scale = (layer.digital_scales().amax(0) * limit).clamp_min(1e-12)
            crossbar = layer.crossbar
            step = crossbar.count_step if crossbar.adc_levels is not None else 0.0
            difference = (found - expected).abs() / scale
            same = difference <= 1e-4 * max(1.0, float(expected.abs().div(scale).max()))
            if found.shape != expected.shape or not bool(
                (same | (difference <= 1.01 * step * len(layer.mapping.blocks))).all()
            ):
                raise ExportError(f"{_FILE}, compiled, gave other products of `{name}` than hwsim")
            n_outputs, n_same = n_outputs + len(found), n_same + int(same.sum())
    if n_same < SAME_SHARE * n_outputs:
        raise ExportError(
            f"{_FILE}, compiled, gave {n_outputs - n_same} of {n_outputs} products other than hwsim"
        )
    return f"compiled, {n_same} of {n_outputs} products are those of hwsim, others a step of the ADC apart"


def _compiled(header: Path, folder: Path, compiler: str) -> str:
    source, program = folder / "product.c", folder / "product"
    source.write_text(_MAIN, encoding="utf-8")
    done = subprocess.run(
        [compiler, *FLAGS, f"-I{header.parent.absolute()}", "-o", str(program), str(source), "-lm"],
        capture_output=True,
        text=True,
        check=False,
        timeout=COMPILER_S,
    )
    if done.returncode != 0:
        raise ExportError(f"{_FILE} must compile, got {done.stderr.strip().splitlines()[0]}")
    return str(program)


_MAIN: Final = """\
#include <stdio.h>
#include <stdlib.h>
#include "model.h"

int main(int argc, char **argv) {
  if (argc != 2) return 1;
  const analognas_layer *layer = &analognas_layers[atoi(argv[1])];
  float *x = malloc(sizeof(float) * (size_t)layer->rows), *y = malloc(sizeof(float) * (size_t)layer->columns);
  if (!x || !y || !analognas_tensors[0].values) return 1;
  for (int32_t row = 0; row < layer->rows; ++row)
    if (scanf("%f", &x[row]) != 1) return 1;
  analognas_product(layer, x, y);
  for (int32_t column = 0; column < layer->columns; ++column) printf("%.9g\\n", (double)y[column]);
  free(x);
  free(y);
  return 0;
}
"""

C_HEADER: Final = Format(
    "model.h: weights, tile map and ranges of the analog layers in C, with their product",
    _write,
    by_default=False,
    files=(_FILE,),
    keeps="conductances in units of g_max, tile map, input ranges, column scales, converters, digital tensors",
    loses="the order of the layers, which model.py has; noise, drift and IR drop",
    check=_check,
)
