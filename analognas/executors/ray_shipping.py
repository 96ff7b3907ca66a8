"""How an evaluation with its data gets into the object store: once, and without a copy for each worker.

Ray shares arrays of numpy between the workers of a node but copies tensors for each of them. Tensors are therefore
shipped as arrays in the order of their memory, and taken up again as tensors over the shared, read-only bytes.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import ray
import torch


def ship(evaluation: Any) -> Any:
    """Put `evaluation` into the object store and return the reference; tensors in it are shared by all workers."""
    ray.util.register_serializer(torch.Tensor, serializer=_pack, deserializer=_unpack)
    try:
        return ray.put(evaluation)
    finally:
        ray.util.deregister_serializer(torch.Tensor)


def _pack(tensor: torch.Tensor) -> tuple[np.ndarray[Any, Any], tuple[int, ...]]:
    """Return an array contiguous in memory, and the order of its axes that gives the tensor back."""
    plain = tensor.detach().cpu()
    strides = plain.stride()
    order = sorted(range(plain.ndim), key=lambda axis: (-strides[axis], axis))
    return np.ascontiguousarray(plain.permute(order).numpy()), tuple(int(axis) for axis in np.argsort(order))


def _unpack(packed: tuple[np.ndarray[Any, Any], tuple[int, ...]]) -> torch.Tensor:
    array, order = packed
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # torch warns of read-only memory; nothing writes to the data
        return torch.from_numpy(array).permute(order)
