"""Which hardware each layer runs on: one for the network, others by name or type of layer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, final

from torch import nn

from hwsim.arguments import nearest, require
from hwsim.chip_cost.description import Chip
from hwsim.hardware import Hardware
from hwsim.hardware_file import read_hardware
from hwsim.presets import preset

AnyHardware: TypeAlias = Hardware | Chip | str | os.PathLike[str]
"""Hardware, or what stands for it: a described chip, the name of a preset, the path of a YAML file."""

ByLayer: TypeAlias = "Mapping[str | type[nn.Module], Hardware | str]"
"""Names (as in `named_modules`) or types of layers → hardware, or the name of a preset."""


@final
class Assignment:
    """The hardware of every layer of a model.

    A name counts before a type, and the nearest before those around it: of `features` and `features.0`, the layer
    `features.0.conv` has the hardware of the second.

    Args:
        model: the digital network.
        hardware: of all layers that nothing else is said of.
        layers: other hardware by name or type; those of layers hold for all that is in them.

    Raises:
        TypeError: for hardware or entries of another type.
        ValueError: for names that do not exist, or two of them for one layer with different hardware.
    """

    def __init__(self, model: nn.Module, hardware: AnyHardware, layers: ByLayer | None = None) -> None:
        self._hardware = as_hardware(hardware)
        self._by_name: dict[str, Hardware] = {}
        self._by_type: dict[type[nn.Module], Hardware] = {}
        self._used: set[str | type[nn.Module]] = set()
        self._modules = dict(model.named_modules(remove_duplicate=False))
        rule = '`layers` must be a mapping like {"conv1": hardware, torch.nn.Linear: hardware}'
        require(layers, (Mapping, type(None)), rule)
        for entry, value in (layers or {}).items():
            if isinstance(entry, type) and issubclass(entry, nn.Module):
                self._by_type[entry] = as_hardware(value, f"`layers[{entry.__name__}]`")
                continue
            require(entry, str, "keys of `layers` must be names or types of layers")
            assert isinstance(entry, str)
            if entry not in self._modules:
                raise ValueError(
                    f"`{entry}` in `layers`: the model has no such layer{nearest(entry, self._modules)}"
                )
            self._by_name[entry] = as_hardware(value, f"`layers[{entry!r}]`")

    def of(self, layer: nn.Module) -> Hardware:
        """Return the hardware of a layer of the model.

        Raises:
            ValueError: for a layer with several names, two of which ask for different hardware.
        """
        names = [name for name, module in self._modules.items() if module is layer]
        for said in ([self._by_names(name) for name in names], [self._by_types(name) for name in names]):
            found = [(name, hardware) for name, hardware in zip(names, said, strict=True) if hardware]
            for name, other in found:
                if other != found[0][1]:
                    raise ValueError(
                        f"`{found[0][0]}` and `{name}` are one layer, whose hardware in `layers` must be one, "
                        f"got {found[0][1].name} and {other.name}"
                    )
            if found:
                return found[0][1]
        return self._hardware

    def require_used(self) -> None:
        """Raise ValueError for an entry that holds no layer which becomes analog; call it after the last layer."""
        entries: list[str | type[nn.Module]] = [*self._by_name, *self._by_type]
        for entry in entries:
            if entry not in self._used:
                name = entry if isinstance(entry, str) else entry.__name__
                kinds = sorted({type(module).__name__ for module in self._modules.values()})
                hint = "" if isinstance(entry, str) else nearest(name, kinds)
                raise ValueError(
                    f"`{name}` in `layers` must be or hold a layer that becomes analog, got none in the model{hint}"
                )

    def _by_names(self, name: str) -> Hardware | None:
        """Return what a layer's own name or one around it says, the nearest first."""
        named = [place for place in _around(name) if place in self._by_name]
        self._used.update(named)
        return self._by_name[named[0]] if named else None

    def _by_types(self, name: str) -> Hardware | None:
        """Return what the type of a layer or of one around it says, the nearest first."""
        kinds = [kind for place in _around(name) for kind in type(self._modules[place]).__mro__]
        known = [kind for kind in kinds if kind in self._by_type]
        self._used.update(known)
        return self._by_type[known[0]] if known else None


def _around(name: str) -> list[str]:
    """Return a layer's name and those of all that hold it, the nearest first."""
    parts = name.split(".") if name else []
    return [".".join(parts[:length]) for length in range(len(parts), -1, -1)]


def as_hardware(value: Any, name: str = "`hardware`") -> Hardware:
    """Return hardware, which a preset's name, the path of a YAML file or a described chip stand for.

    Raises:
        TypeError: for anything else.
        ValueError: for an unknown name, a file that is none, or a chip without hardware.
    """
    found = value
    if isinstance(value, Chip):
        found = value.hardware
        if found is None:
            raise ValueError(f"{name} must be hardware, got the chip {value.name}, which describes none")
    elif isinstance(value, str | os.PathLike):
        is_file = Path(value).suffix.lower() in (".yaml", ".yml")
        found = read_hardware(value) if is_file else preset(os.fspath(value))
    require(found, Hardware, f"{name} must be hwsim.Hardware, a chip, or the name of a preset or a YAML file")
    assert isinstance(found, Hardware)
    return found
