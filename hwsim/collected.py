"""What a network returns: the form of its outputs, and all items of them put together.

A network returns a tensor, or tensors in tuples, lists, dictionaries and named tuples. The first dimension of each
counts items; None may stand in place of a tensor.
"""

from __future__ import annotations

from typing import Any, TypeAlias, final

import torch
from torch.utils._pytree import (
    TreeSpec,
    keystr,
    tree_flatten,
    tree_flatten_with_path,
    tree_leaves,
    tree_unflatten,
)

from hwsim.arguments import shown

_Kind: TypeAlias = tuple[tuple[int, ...], torch.dtype] | None
"""Shape behind the first dimension, and type; None for None."""


@final
class Form:
    """Structure, shapes and types of a network's outputs, which are the same for all its items.

    Args:
        outputs: what the network returned for the first `n_items` items.

    Attributes:
        bytes_an_item: what the outputs of one item take.

    Raises:
        ValueError: unless every part is a tensor `(items, ...)` or None, and there is a tensor.
    """

    def __init__(self, outputs: Any, n_items: int) -> None:
        for path, part in tree_flatten_with_path(outputs)[0]:
            if part is not None and (not isinstance(part, torch.Tensor) or part.shape[:1] != (n_items,)):
                got = tuple(part.shape) if isinstance(part, torch.Tensor) else shown(part)
                place = f" in outputs{keystr(path)}" if path else ""
                raise ValueError(
                    f"the network must return tensors `(items, ...)`, got {got}{place} for {n_items} "
                    f"item{'s' * (n_items > 1)}: wrap it in a module that returns such tensors alone"
                )
        leaves, self._spec = tree_flatten(outputs)
        self._kinds = [_kind(part) for part in leaves]
        tensors = [part for part in leaves if part is not None]
        if not tensors:
            raise ValueError("the network must return at least one tensor, got none")
        self.bytes_an_item = sum(part[0].numel() * part.element_size() for part in tensors)

    def checked(self, outputs: Any, n_items: int) -> Any:
        """Return outputs of `n_items` items in this structure, whatever stands for tuples and dictionaries in them.

        Raises:
            ValueError: for other parts, shapes or types.
        """
        leaves = tree_leaves(outputs)
        lengths = {part.shape[:1] for part in leaves if isinstance(part, torch.Tensor)}
        if [_kind(part) for part in leaves] != self._kinds or lengths != {(n_items,)}:
            raise ValueError(
                "outputs must keep structure, shape and type from batch to batch, got "
                f"{_described(leaves)} for {n_items} items after {self}: pad them, or select what keeps its shape"
            )
        return tree_unflatten(leaves, self._spec)

    def __str__(self) -> str:
        """Return shapes and types for a message."""
        kinds = [
            None if kind is None else f"(items, {', '.join(map(str, kind[0]))}) {kind[1]}"
            for kind in self._kinds
        ]
        return " and ".join(str(kind) for kind in kinds)


@final
class Collected:
    """Puts what is kept of one batch after the other together, on the CPU.

    Args:
        n_items: of all batches.
    """

    def __init__(self, n_items: int) -> None:
        self._n_items = n_items
        self._filled = 0
        self._room: list[torch.Tensor | None] = []
        self._spec: TreeSpec | None = None

    def add(self, part: Any, n_items: int) -> None:
        """Take the next `n_items` items, of the form of those before."""
        leaves, spec = tree_flatten(part)
        if self._spec is None:
            self._spec = spec
            self._room = [
                None if leaf is None else torch.empty((self._n_items, *leaf.shape[1:]), dtype=leaf.dtype)
                for leaf in leaves
            ]
        for room, leaf in zip(self._room, leaves, strict=True):
            if room is not None:
                room[self._filled : self._filled + n_items] = leaf.cpu()
        self._filled += n_items

    def result(self) -> Any:
        """Return all items, in the structure of the parts."""
        assert self._spec is not None
        assert self._filled == self._n_items
        return tree_unflatten(self._room, self._spec)


def tensors_in(outputs: Any) -> list[torch.Tensor]:
    """Return the tensors of outputs in order."""
    return [part for part in tree_leaves(outputs) if isinstance(part, torch.Tensor)]


def _kind(part: Any) -> _Kind:
    return (tuple(part.shape[1:]), part.dtype) if isinstance(part, torch.Tensor) else None


def _described(leaves: list[Any]) -> str:
    return " and ".join(
        f"{tuple(leaf.shape)} {leaf.dtype}" if isinstance(leaf, torch.Tensor) else shown(leaf)
        for leaf in leaves
    )
