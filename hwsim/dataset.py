"""The whole data of an evaluation, from tensors, arrays, a DataLoader or any iterable of batches.

Batches are read once and kept, so that every chip at every time sees the same items in the same order, also those of
a loader that shuffles. A tuple is the data itself, `(x, y)`; a list, a loader, a generator is batches of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, final

import numpy as np
import torch
from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves, tree_map, tree_unflatten

from hwsim import memory
from hwsim.arguments import shown
from hwsim.inputs import Inputs, inputs_of, tensor_of
from hwsim.progress import Progress

MOST_OF_MEMORY: Final = 0.4
"""Share of the free memory that batches may fill: putting them together takes as much again for a moment."""

BYTES_A_BATCH: Final = 1024
"""What a batch counts at least, so that tiny ones come to an end, too."""


class Dataset(NamedTuple):
    """Inputs `(items, ...)`, and what the outputs are compared with: tensors `(items, ...)` on the CPU, or None."""

    inputs: Inputs
    targets: Any


def read_dataset(data: object, like: torch.Tensor, progress: bool | None = None) -> Dataset:
    """Return all items of `data`.

    Args:
        data: `x` or `(x, y)`, or an iterable of batches of this kind; `x` is a tensor, or a tuple or dictionary
            of tensors for a network of several inputs; numpy arrays are as good.
        like: a weight of the network; inputs get its floating-point type.
        progress: as `hwsim.evaluate` has it, while batches are read.

    Raises:
        TypeError: for anything else.
        ValueError: for no items, lengths or batches that do not fit each other, NaN in inputs, or batches without end.
    """
    if isinstance(data, torch.Tensor | np.ndarray | Mapping | tuple):
        return _batch("", data, like)
    if not isinstance(data, Iterable) or isinstance(data, str):
        remedy = "torch.utils.data.DataLoader(data, batch_size=256) makes batches of a Dataset"
        raise TypeError(
            f"`data` must be `(x, y)`, a DataLoader or other batches, got {shown(data)}: {remedy}"
        )
    limit = MOST_OF_MEMORY * memory.available_bytes()
    columns = _Columns()
    with Progress("batches read", None, progress) as read:
        for number, batch in enumerate(data):
            columns.add(f"data[{number}]", _batch(f"data[{number}]", batch, like))
            if columns.n_bytes > limit:
                raise ValueError(
                    f"`data` must end and fit in memory, got {number + 1:,} batches of {memory.size(columns.n_bytes)} "
                    f"so far with {memory.size(limit)} free for them: itertools.islice(data, n) takes n batches"
                )
            read.tick(number + 1)
    return columns.together()


@final
class _Columns:
    """Batches, tensor by tensor."""

    def __init__(self) -> None:
        self.n_bytes = 0
        self._first: tuple[Any, ...] = ()
        self._names: tuple[str, ...] | None = None
        self._spec: TreeSpec | None = None
        self._columns: list[list[torch.Tensor]] = []
        self._n_inputs = 0

    def add(self, place: str, batch: Dataset) -> None:
        """Keep a copy: a loader may reuse its memory, and shared memory is scarce."""
        targets, spec = tree_flatten(batch.targets)
        tensors = [*batch.inputs.tensors, *(targets if batch.targets is not None else [])]
        form = (
            batch.inputs.names,
            len(batch.inputs.tensors),
            spec,
            [(t.shape[1:], t.dtype) for t in tensors],
        )
        if not self._columns:
            self._first, self._spec, self._names = form, spec, batch.inputs.names
            self._n_inputs = len(batch.inputs.tensors)
            self._columns = [[] for _ in tensors]
        elif form != self._first:
            found, wanted = (_shapes(kinds) for kinds in (form[3], self._first[3]))
            raise ValueError(
                f"all batches must have the same structure, shapes and types, got {found} in `{place}` "
                f"after {wanted}: pad or resize the items"
            )
        for column, tensor in zip(self._columns, tensors, strict=True):
            column.append(tensor.clone())
        self.n_bytes += max(BYTES_A_BATCH, sum(tensor.numel() * tensor.element_size() for tensor in tensors))

    def together(self) -> Dataset:
        if self._spec is None:
            raise ValueError("`data` must have at least one batch, got none: a generator can be read once")
        tensors = []
        for column in self._columns:
            tensors.append(torch.cat(column))
            column.clear()
        inputs = Inputs(tuple(tensors[: self._n_inputs]), self._names)
        return Dataset(inputs, tree_unflatten(tensors[self._n_inputs :] or [None], self._spec))


def _batch(place: str, batch: object, like: torch.Tensor) -> Dataset:
    """Return `x` or `(x, y)`; `place` is empty for all the data at once."""
    parts = list(batch) if isinstance(batch, tuple | list) else [batch]
    if not 1 <= len(parts) <= 2:
        raise ValueError(
            f"`{place or 'data'}` must be `x` or `(x, y)`, got {len(parts)} parts: several inputs are one part, "
            "((x1, x2), y)"
        )
    names = [f"{place}[{index}]" if place else name for index, name in enumerate("xy")]
    inputs = inputs_of(names[0], parts[0], like)
    targets = _targets(names[1], parts[1]) if len(parts) == 2 else None
    lengths = [len(inputs), *(len(target) for target in tree_leaves(targets) if target is not None)]
    if len(set(lengths)) > 1 or 0 in lengths:
        found = " and ".join(map(str, lengths))
        raise ValueError(f"`{names[0]}` and `{names[1]}` must have the same length, at least 1, got {found}")
    return Dataset(inputs, targets)


def _targets(name: str, value: object) -> Any:
    remedy = "torch.as_tensor(y) makes one of a list"

    def one(part: object) -> torch.Tensor:
        whole = (
            value
            if isinstance(value, list | tuple) and not isinstance(part, torch.Tensor | np.ndarray)
            else part
        )
        found = tensor_of(name, whole, remedy).cpu()
        if found.ndim == 0:
            raise ValueError(f"`{name}` must be `(items, ...)`, got ()")
        return found

    return None if value is None else tree_map(one, value)


def _shapes(kinds: list[tuple[torch.Size, torch.dtype]]) -> str:
    return " and ".join(f"(items, {', '.join(map(str, shape))}) {dtype}" for shape, dtype in kinds)
