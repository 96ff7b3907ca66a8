"""`python -m hwsim cost`: what a network costs on a chip, from a model of the user's or a list of matrices.

python -m hwsim cost --chip hermes-64core --model net.py:build --input-shape 3,32,32
python -m hwsim cost --chip hermes-64core --model net.py:two --input-shape 3,32,32 --input-shape 16:int64
python -m hwsim cost --chip my-chip.yaml --matrices layers.json --json
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hwsim.arguments import nearest
from hwsim.chip_cost.chip_files import chip_names
from hwsim.chip_cost.cost import cost

_TYPES: Final = ("float32", "int64", "int32", "bool")
"""Types of the numbers of an input, the usual one first."""


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    names = ", ".join(chip_names())
    command.add_argument("--chip", required=True, help=f"a described chip ({names}) or a YAML file of one")
    command.add_argument(
        "--model", help="file.py:function, which takes nothing and returns a torch module; the file is run"
    )
    command.add_argument(
        "--input-shape",
        action="append",
        help="shape of one input, such as 3,32,32, or 16:int64 for whole numbers; for --model, once for each of its "
        "inputs in their order",
    )
    command.add_argument(
        "--matrices", type=Path, help="JSON list of {name, rows, columns, groups, positions}"
    )
    command.add_argument(
        "--mode", help="how the chip reads; the one that its accuracies belong to by default"
    )
    command.add_argument(
        "--mapping", choices=("one-layer", "packed"), help="whether small layers share tiles"
    )
    command.add_argument(
        "--schedule", choices=("pipelined", "layer-serial"), help="whether all layers work at once"
    )
    command.add_argument("--tile-budget", type=int, help="tiles that copies of busy layers may fill")
    command.add_argument("--age", help="time since programming, such as '1 month', as conductances drift")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--plot", type=Path, help="draw into a file that ends in .html")


def run(options: argparse.Namespace) -> str:
    """Return what the command prints.

    Raises:
        ValueError: for options that do not fit together, a file that cannot be read, and what `hwsim.cost` refuses.
        TypeError: for what `hwsim.cost` refuses.
    """
    if (options.model is None) == (options.matrices is None):
        raise ValueError("`--model` or `--matrices` must be given, one of both")
    if options.plot is not None and options.plot.suffix.lower() != ".html":
        raise ValueError(f"`--plot` must end in .html, got {options.plot}: a browser saves it as an image")
    shapes = [_shape(text) for text in options.input_shape or ()]
    if options.model is not None and not shapes:
        raise ValueError("`--input-shape` must be given with --model, such as 3,32,32")
    network = _matrices(options.matrices) if options.model is None else _model(options.model)
    source = options.model or options.matrices
    try:
        found = cost(
            network,
            options.chip,
            _example(shapes) if shapes else None,
            mode=options.mode,
            mapping=options.mapping,
            schedule=options.schedule,
            tile_budget=options.tile_budget,
            age=options.age,
        )
    except (RuntimeError, MemoryError) as error:
        raise ValueError(f"{source}: cannot be costed: {' '.join(str(error).split())[:300]}") from error
    if options.plot is not None:
        try:
            options.plot.write_text(found.plot().to_html(include_plotlyjs=True), encoding="utf-8")
        except OSError as error:
            raise ValueError(
                f"{options.plot}: must be a file that can be written: {error.strerror}"
            ) from None
    return json.dumps(found.to_json(), ensure_ascii=False) if options.json else str(found)


def _shape(text: str) -> tuple[tuple[int, ...], str]:
    """Return the shape of one input and the type of its numbers."""
    sides, _, kind = text.partition(":")
    kind = kind.strip() or _TYPES[0]
    if kind not in _TYPES:
        raise ValueError(
            f"`--input-shape` must end in one of {', '.join(_TYPES)}, got {text!r}{nearest(kind, _TYPES)}"
        )
    try:
        shape = tuple(int(side) for side in sides.split(","))
    except ValueError:
        raise ValueError(f"`--input-shape` must be numbers such as 3,32,32, got {text!r}") from None
    if min(shape) < 1:
        raise ValueError(f"sides of `--input-shape` must be at least 1, got {text!r}")
    return shape, kind


def _example(shapes: Sequence[tuple[tuple[int, ...], str]]) -> Any:
    """Return one input of zeros, or one for each of several arguments."""
    import torch

    tensors = tuple(torch.zeros(1, *shape, dtype=getattr(torch, kind)) for shape, kind in shapes)
    return tensors if len(tensors) > 1 else tensors[0]


def _matrices(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_repeats)
    except (OSError, ValueError, RecursionError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"{path}: must be a JSON list of matrices: {said}") from None


def _model(text: str) -> Any:
    """Return the module that `file.py:function` makes."""
    file, colon, name = text.rpartition(":")
    if not colon or not name.isidentifier():
        raise ValueError(f"`--model` must be file.py:function, got {text!r}")
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"`--model` must name a Python file, got {file!r}, which is not there")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"`--model` must name a Python file, got {file!r}")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))  # the file may import what lies beside it
    try:
        spec.loader.exec_module(module)
        made = getattr(module, name, None)
        found = made() if callable(made) else None
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())
        raise ValueError(f"`--model`: {text} raised {type(error).__name__}: {said}") from error
    finally:
        sys.path.remove(str(path.parent))
    if not callable(made):
        known = ", ".join(key for key, value in vars(module).items() if callable(value) and key[0] != "_")
        raise ValueError(f"`--model` must name a function of {file}, one of {known}, got {name!r}")
    if found is None or not hasattr(found, "named_modules"):
        raise ValueError(f"`--model` must return a torch module, got {type(found).__name__} of {text}")
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a mapping of JSON; of a key that is there twice it would keep the last."""
    keys = [key for key, _ in pairs]
    twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
    if twice is not None:
        raise ValueError(f"each key must be there once, got {twice!r} twice")
    return dict(pairs)
