"""Where the tensors of an evaluation are: a processor's memory, or a GPU.

A configuration names it; a worker resolves the name once, so that `auto` and `cuda` mean the GPUs of the machine where
the evaluation runs, or the one that Ray assigns there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator

from analognas.errors import UserError

if TYPE_CHECKING:
    import torch

PATTERN: Final = re.compile(r"auto|cpu|cuda(:\d{1,3})?")


class NoSuchDeviceError(UserError):
    """A device was named that this machine lacks."""


def _is_device(text: str) -> str:
    if not PATTERN.fullmatch(text):
        raise ValueError(f"must be cpu, cuda, cuda:N or auto, got {text!r}")
    return text


DeviceName = Annotated[str, AfterValidator(_is_device)]
"""`cpu`, `cuda`, `cuda:N`, or `auto`: a GPU where torch sees one, else the processor."""


def resolve_device(name: str) -> torch.device:
    """Return the device that `name` means on this machine.

    Raises:
        NoSuchDeviceError: when there is no such device.
    """
    import torch

    if not PATTERN.fullmatch(str(name)):
        raise NoSuchDeviceError(f"must be cpu, cuda, cuda:N or auto, got {name!r}")
    count = torch.cuda.device_count() if name != "cpu" and torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and not count):
        return torch.device("cpu")
    index = int(name.partition(":")[2] or 0)
    if index >= count:
        there = f"cuda:0 to cuda:{count - 1}" if count > 1 else "cuda:0" if count else "no GPU"
        raise NoSuchDeviceError(
            f"{name} is not on this machine: torch {torch.__version__} sees {there}; "
            "choose cpu or auto, or install a torch built for this GPU"
        )
    return torch.device("cuda", index)


def described(device: torch.device) -> str:
    """Return a device for the record: `cpu`, or `cuda:0 NVIDIA H100`."""
    import torch

    return f"{device} {torch.cuda.get_device_name(device)}" if device.type == "cuda" else str(device)
