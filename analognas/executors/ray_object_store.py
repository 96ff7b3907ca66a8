"""How an evaluation with its data gets into the object store: once, and without a copy for each worker.

Ray shares arrays of numpy between the workers of a node but copies tensors for each of them. Tensors are therefore
stored as arrays in the order of their memory, and read as tensors over the shared, read-only bytes.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from types import MethodType
from typing import Any

import numpy as np
import ray
import torch


@dataclass(frozen=True)
class StoredObject:
    """Something in the object store.

    Attributes:
        reference: to it; inside this record, so that Ray does not unpack it for every task.
        method: of it that is meant; empty: the thing itself.
    """

    reference: Any
    method: str = ""

    def get(self) -> Any:
        """Return what was stored, unpacked once for all tasks of a process."""
        thing = _fetched(self.reference)
        return getattr(thing, self.method) if self.method else thing


class ObjectStoreCache:
    """What a run has in the object store: each thing once, however often it is stored."""

    def __init__(self) -> None:
        self._stored: list[tuple[Any, Any]] = []

    def put(self, thing: Any) -> StoredObject:
        """Put `thing` into the object store, or the object whose method it is; workers share the tensors in it."""
        if isinstance(thing, MethodType):
            return StoredObject(self._reference(thing.__self__), thing.__name__)
        return StoredObject(self._reference(thing))

    def _reference(self, thing: Any) -> Any:
        for stored, reference in self._stored:
            if stored is thing:
                return reference
        reference = _put(thing)
        self._stored.append((thing, reference))
        return reference


def _put(thing: Any) -> Any:
    ray.util.register_serializer(torch.Tensor, serializer=_pack, deserializer=_unpack)
    try:
        return ray.put(thing)
    finally:
        ray.util.deregister_serializer(torch.Tensor)


@lru_cache(maxsize=2)
def _fetched(reference: Any) -> Any:
    return ray.get(reference)


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
