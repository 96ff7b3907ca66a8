"""A Python file that puts the network of `model.py` on the tiles of aihwkit or aihwkit-lightning.

Source, and no pickle: whoever reads it sees which configuration the network has there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from torch import nn

from analognas.export.error import ExportError
from analognas.export.flat_graph import flatten
from analognas.export.standardised import Standardised
from hwsim.conversion import analog_layers
from hwsim.interop.aihwkit import CONVERTED, TORCH_TILE, shared_layers
from hwsim.interop.peer_value import Peer, Settings


def peer_source(
    model: Standardised, net: nn.Module, package: str, settings: Settings, lost: Sequence[str]
) -> str:
    """Return the source.

    Args:
        model: the network that model.py holds.
        net: the same on tiles, calibrated.
        package: `aihwkit` or `aihwkit_lightning`.
        settings: of its configuration.
        lost: what of the hardware that cannot express.

    Raises:
        ExportError: when no layer has a counterpart there, or the network cannot be traced.
    """
    try:
        kept, _, of_layers = shared_layers(net, tiled_by(package))
    except ValueError as error:
        raise ExportError(str(error)) from None
    flat = flatten(model)
    names = {path: name for path, (name, _) in flat.layers.items()}
    missing = [path for path in kept if path not in names]
    if missing:
        raise ExportError(f"layer `{missing[0]}` has no layer of its own in model.py; export other formats")
    ranges = {names[path]: layer.input_range.tolist() for path, layer in kept.items()}
    on_tiles = dict(analog_layers(net))
    digital = [names[path] for path in on_tiles if path not in kept and path in names]
    never = [
        name
        for path, (name, layer) in flat.layers.items()
        if isinstance(layer, CONVERTED) and path not in on_tiles
    ]
    imports = {
        f"{package}.nn.conversion": {"convert_to_analog"},
        f"{package}.nn.modules.container": {"AnalogWrapper"},
        f"{package}.simulator.configs": {"TorchInferenceRPUConfig"},
    }
    for value in settings.values():
        if isinstance(value, Peer):
            imports.setdefault(value.module, set()).add(value.name.partition(".")[0])
    title = package.replace("_", "-")
    notes = "".join(f"- {line}\n" for line in [*lost, *of_layers])
    text = f'"""The network of model.py on the tiles of {title}. Needs torch, safetensors and {title}.\n\n'
    text += (
        "    network = load()              # with model.py and model.safetensors in the folder of this file\n"
    )
    text += f'\nWithout a counterpart in {title}:\n\n{notes}"""\n\n' if notes else '"""\n\n'
    text += (
        "from importlib.util import module_from_spec, spec_from_file_location\nfrom pathlib import Path\n\n"
    )
    for module, words in sorted(imports.items()):
        text += f"from {module} import {', '.join(sorted(words))}\n"
    text += f"\nDIGITAL_LAYERS = {_listed(sorted({*digital, *never}))}\n"
    text += '"""Layers that are not converted."""\n'
    text += f"INPUT_RANGES = {_mapped(ranges)}\n"
    text += '"""Calibrated input ranges of each layer, one a row of tiles."""\n\n\n'
    text += "def configuration():\n"
    text += f'    """Return the configuration of {title}."""\n    config = TorchInferenceRPUConfig()\n'
    for path, value in settings.items():
        text += f"    config.{path} = {value if isinstance(value, Peer) else repr(value)}\n"
    text += "    return config\n" + (_LOAD_AIHWKIT if package == "aihwkit" else _LOAD_LIGHTNING) + _DIGITAL
    return text


def tiled_by(package: str) -> tuple[type[nn.Module], ...]:
    """Return the layers that a package puts on tiles."""
    return TORCH_TILE if package == "aihwkit" else CONVERTED


@contextmanager
def no_bytecode() -> Iterator[None]:
    """Keep Python from writing `__pycache__` beside what is imported."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _listed(names: Sequence[str]) -> str:
    lines = "".join(f'    "{name}",\n' for name in names)
    return f"[\n{lines}]" if names else "[]"


def _mapped(ranges: Mapping[str, Sequence[float]]) -> str:
    lines = "".join(
        f'    "{name}": [{", ".join(f"{value:.9g}" for value in values)}],\n'
        for name, values in ranges.items()
    )
    return f"{{\n{lines}}}"


_LOAD_AIHWKIT: Final = '''

def load():
    """Return the trained network on tiles, in evaluation mode: raw inputs to logits."""
    # the package keeps one wrapper for all classes of a name, and would take that of another network
    AnalogWrapper.SUBCLASSES.pop("AnalogWrapperNetwork", None)
    network = convert_to_analog(load_digital(), configuration(), exclude_modules=DIGITAL_LAYERS)
    if configuration().pre_post.input_range.enable:
        for name, ranges in INPUT_RANGES.items():
            tiles = network.get_submodule(name).analog_module
            rows = getattr(tiles, "array", [[tiles]])  # those that share rows together
            for row, value in zip(rows, ranges, strict=True):
                for tile in row:
                    tile.set_input_range(value)
    return network.eval()
'''

_LOAD_LIGHTNING: Final = '''

def load():
    """Return the trained network on tiles, in evaluation mode: raw inputs to logits."""
    # the package keeps one wrapper for all classes of a name, and would take that of another network
    AnalogWrapper.SUBCLASSES.pop("AnalogWrapperNetwork", None)
    network = convert_to_analog(load_digital(), configuration(), exclude_modules=DIGITAL_LAYERS)
    for name, ranges in INPUT_RANGES.items():
        layer = network.get_submodule(name)
        if layer.input_range is not None:
            layer.input_range.data.copy_(layer.input_range.new_tensor(ranges))
    return network.eval()
'''

_DIGITAL: Final = '''

def load_digital():
    """Return the network of model.py, which lies in the folder of this file."""
    spec = spec_from_file_location("exported_model", Path(__file__).resolve().parent / "model.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()
'''
