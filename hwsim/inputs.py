"""Inputs and labels as a caller gives them: tensors or numpy arrays, checked against what the network takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from hwsim.arguments import require


def tensor(name: str, value: object, like: torch.Tensor, remedy: str = "") -> torch.Tensor:
    """Return inputs of a network as a tensor; floating-point numbers get the type of `like`.

    Raises:
        TypeError: for anything but a tensor or an array of numbers.
        ValueError: for NaN or infinity.
    """
    found = _array(name, value, remedy)
    if found.ndim == 0:
        raise ValueError(f"`{name}` must be `(images, ...)`, got a single number")
    if found.is_floating_point():
        found = found.to(like.dtype)
        if not bool(torch.isfinite(found).all()):
            raise ValueError(f"`{name}` must be finite, got NaN or infinity")
    return found


def labels(y: object, n: int, inputs: str = "x") -> torch.Tensor:
    """Return classes as `(images,)` int64 on the CPU.

    Raises:
        TypeError: for anything but a tensor or an array of whole numbers.
        ValueError: for another shape, or another length than `n` images, the length of `inputs`.
    """
    found = _array("y", y, "torch.as_tensor(y) makes one of a list")
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


def _array(name: str, value: object, remedy: str) -> torch.Tensor:
    require(value, (torch.Tensor, np.ndarray), f"`{name}` must be a tensor or a numpy array", remedy)
    assert isinstance(value, torch.Tensor | np.ndarray)
    try:
        return torch.as_tensor(value)
    except TypeError as error:  # an array of objects or strings
        raise TypeError(f"`{name}` must hold numbers: {error}") from None


@contextmanager
def explained(name: str, inputs: torch.Tensor) -> Iterator[None]:
    """Turn what the network's own operations say about `inputs` into one line.

    Raises:
        ValueError: for inputs that the network cannot run on.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, TypeError, IndexError) as error:
        said = str(error).partition("\n")[0]
        raise ValueError(
            f"`{name}` must be inputs that the network can run on, got {tuple(inputs.shape)} {inputs.dtype}: {said}"
        ) from error
