"""Inputs and labels as a caller gives them: tensors or numpy arrays, checked against what the network takes.

A network of several inputs is called with a tuple as `net(*x)` and with a dictionary as `net(**x)`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from hwsim.arguments import require, shown

_OF_INTEGERS: Final = (
    "whole numbers suit embeddings alone; pass x.float(), scaled as in training, or x.long()"
)
"""Of uint8 images nobody but the caller knows the scale that the network was trained with."""


@final
@dataclass(frozen=True)
class Inputs:
    """What a network is called with, for all items.

    Attributes:
        tensors: each `(items, ...)`.
        names: of the arguments that the tensors are; None where they go by position.
    """

    tensors: tuple[torch.Tensor, ...]
    names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.tensors[0])

    def part(self, start: int, end: int) -> Inputs:
        """Return the items from `start` to before `end`."""
        return Inputs(tuple(tensor[start:end] for tensor in self.tensors), self.names)

    def copied_to(self, device: torch.device) -> Inputs:
        """Return a copy on `device`, which a network may change."""
        return Inputs(tuple(tensor.to(device, copy=True) for tensor in self.tensors), self.names)

    def into(self, net: nn.Module) -> Any:
        """Return what `net` makes of them."""
        if self.names is None:
            return net(*self.tensors)
        return net(**dict(zip(self.names, self.tensors, strict=True)))

    def __str__(self) -> str:
        """Return shapes and types for a message."""
        names = ("",) * len(self.tensors) if self.names is None else [f"{name} " for name in self.names]
        each = zip(names, self.tensors, strict=True)
        return ", ".join(f"{name}{tuple(tensor.shape)} {tensor.dtype}" for name, tensor in each)


def inputs_of(name: str, value: object, like: torch.Tensor) -> Inputs:
    """Return inputs that the caller calls `name`: a tensor or an array, or a tuple or dictionary of them.

    Raises:
        TypeError: for anything else.
        ValueError: for NaN or infinity, no tensor, or tensors of different length.
    """
    if isinstance(value, Mapping):
        wrong = [key for key in value if not isinstance(key, str)]
        if wrong:
            raise TypeError(f"keys of `{name}` must be names of arguments, got {shown(wrong[0])}")
        found = Inputs(
            tuple(tensor(f"{name}[{key!r}]", part, like) for key, part in value.items()), tuple(value)
        )
    elif isinstance(value, Sequence) and not isinstance(value, str):
        found = Inputs(tuple(tensor(f"{name}[{index}]", part, like) for index, part in enumerate(value)))
    else:
        found = Inputs((tensor(name, value, like),))
    if not found.tensors:
        raise ValueError(f"`{name}` must have at least one tensor, got an empty {type(value).__name__}")
    lengths = [len(part) for part in found.tensors]
    if len(set(lengths)) > 1:
        raise ValueError(f"all tensors of `{name}` must have the same length, got {lengths}")
    return found


def tensor(name: str, value: object, like: torch.Tensor, remedy: str = "") -> torch.Tensor:
    """Return inputs of a network as a tensor; floating-point numbers get the type of `like`.

    Raises:
        TypeError: for anything but a tensor or an array of numbers.
        ValueError: for NaN or infinity.
    """
    found = tensor_of(name, value, remedy)
    if found.ndim == 0:
        raise ValueError(f"`{name}` must be `(images, ...)`, got a single number")
    if found.is_floating_point():
        found = found.to(like.dtype)
        if not bool(torch.isfinite(found).all()):
            raise ValueError(f"`{name}` must be finite, got NaN or infinity")
    return found


def items_and(shape: Sequence[int]) -> str:
    """Return the shape of tensors `(items, ...)` for a message.

    >>> items_and([3, 32]), items_and([])
    ('(items, 3, 32)', '(items,)')
    """
    return f"(items, {', '.join(map(str, shape))})" if shape else "(items,)"


def labels(y: object, n: int, inputs: str = "x") -> torch.Tensor:
    """Return classes as `(images,)` int64 on the CPU.

    Raises:
        TypeError: for anything but a tensor or an array of whole numbers.
        ValueError: for another shape, or another length than `n` images, the length of `inputs`.
    """
    found = tensor_of("y", y, "torch.as_tensor(y) makes one of a list")
    if found.ndim != 1:
        remedy = "of one-hot labels pass y.argmax(1)" if found.ndim == 2 else "one class an image"
        raise ValueError(f"`y` must be `(images,)`, got {tuple(found.shape)}: {remedy}")
    if found.is_floating_point() or found.is_complex():
        raise TypeError(f"`y` must hold whole numbers, got {found.dtype}: pass y.long() if they are classes")
    if n == 0 or len(found) != n:
        raise ValueError(
            f"`{inputs}` and `y` must have the same length, at least 1, got {n} and {len(found)}"
        )
    return found.long().cpu()


def check_classes(y: torch.Tensor, n_classes: int) -> None:
    """Raise ValueError unless every class is one of the network's outputs."""
    low, high = int(y.min()), int(y.max())
    if not 0 <= low <= high < n_classes:
        wrong = low if low < 0 else high
        raise ValueError(
            f"`0 <= y < {n_classes}` must hold for a network with {n_classes} outputs, got {wrong}"
        )


def tensor_of(name: str, value: object, remedy: str = "") -> torch.Tensor:
    """Return a tensor or an array of numbers as a tensor.

    Raises:
        TypeError: for anything else.
    """
    require(value, (torch.Tensor, np.ndarray), f"`{name}` must be a tensor or a numpy array", remedy)
    assert isinstance(value, torch.Tensor | np.ndarray)
    if isinstance(value, torch.Tensor) and value.layout != torch.strided:
        raise TypeError(f"`{name}` must be dense, got {value.layout}: pass x.to_dense()")
    if isinstance(value, np.ndarray):
        value = native(value)
    try:
        with warnings.catch_warnings():  # a memory-mapped file is read-only, and we do not write
            warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
            return torch.as_tensor(value)
    except TypeError as error:  # an array of objects or strings
        raise TypeError(f"`{name}` must hold numbers: {error}") from None


def native(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array that torch can take: bytes in this machine's order, and no step backwards through memory."""
    ordered = array.astype(array.dtype.newbyteorder("="), copy=False)
    return np.ascontiguousarray(ordered) if any(stride < 0 for stride in ordered.strides) else ordered


@contextmanager
def explained(name: str, inputs: Inputs) -> Iterator[None]:
    """Turn what the network's own operations say about `inputs` into one line.

    Raises:
        ValueError: for inputs that the network cannot run on.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, TypeError, IndexError, KeyError, AttributeError) as error:
        said = str(error).partition("\n")[0]
        are_numbers = all(tensor.is_floating_point() for tensor in inputs.tensors)
        remedy = "" if are_numbers else f": {_OF_INTEGERS}"
        raise ValueError(
            f"`{name}` must be inputs that the network can run on, got {inputs}: {said}{remedy}"
        ) from error
