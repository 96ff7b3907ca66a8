"""Metrics by name: each is the mean over items of a score, which is computed batch by batch where the chips are.

    accuracy        share of items whose largest output is that of their class; one output is a logit, class 1 above 0
    top-k           share of items whose class is among their k largest outputs, `top-5` for one
    cross-entropy   mean of -log p of the class, in nats; one output is a logit
    mse, mae        mean squared and mean absolute difference of outputs and targets

Outputs have classes in dimension 1, as for `torch.nn.CrossEntropyLoss`: `(items, classes)` with targets `(items,)`,
`(items, classes, height, width)` with targets `(items, height, width)`, whose pixels count the same.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, final

import torch
from torch.nn import functional as F

from hwsim.arguments import nearest, shown
from hwsim.inputs import check_classes

_CLASSES_FIRST: Final = (
    "classes are in dimension 1, as for torch's cross_entropy; a function takes any other outputs"
)
_TOP: Final = re.compile(r"top-([1-9][0-9]*)")


class ItemMetric(Protocol):
    """A mean over items of a score."""

    def targets(self, outputs: Any, targets: Any) -> torch.Tensor:
        """Return all targets as `scores` takes them.

        Args:
            outputs: of the first items, in floating point.
            targets: of all items.

        Raises:
            ValueError: for outputs or targets of another shape or range.
            TypeError: for those of another type.
        """
        ...

    def scores(self, outputs: Any, targets: torch.Tensor) -> torch.Tensor:
        """Return the scores `(items,)` of a pass; runs under torch.vmap."""
        ...


def metric_named(name: str) -> ItemMetric:
    """Return the metric of a name.

    Raises:
        ValueError: for a name that is none.
    """
    top = _TOP.fullmatch(name)
    if top is not None:
        return TopK(int(top[1]))
    if name not in NAMED:
        known = ", ".join(("accuracy", "top-5", *(other for other in NAMED if other != "accuracy")))
        raise ValueError(
            f"`metric` must be one of {known}, or a function of (outputs, targets), got {name!r}"
            f"{nearest(name, (*NAMED, 'top-5'))}"
        )
    return NAMED[name]()


@final
@dataclass(frozen=True)
class Accuracy:
    """Whether the largest output is that of the class; one output alone is a logit."""

    def targets(self, outputs: Any, targets: Any) -> torch.Tensor:
        """Return classes as whole numbers."""
        return _classes("accuracy", outputs, targets)

    def scores(self, outputs: Any, targets: torch.Tensor) -> torch.Tensor:
        """Return bools `(items,)`, or shares of the pixels right."""
        found: torch.Tensor = outputs.reshape(targets.shape) > 0 if _is_logit(outputs) else outputs.argmax(1)
        return _by_item(found == targets)


@final
@dataclass(frozen=True)
class TopK:
    """Whether the class is among the `k` largest outputs."""

    k: int

    def targets(self, outputs: Any, targets: Any) -> torch.Tensor:
        """Return classes as whole numbers."""
        name = f"top-{self.k}"
        if _is_logit(_one_tensor(name, outputs)) or outputs.shape[1] < self.k:
            raise ValueError(f"`{name}` needs at least {self.k} classes, got outputs {tuple(outputs.shape)}")
        return _classes(name, outputs, targets)

    def scores(self, outputs: Any, targets: torch.Tensor) -> torch.Tensor:
        """Return bools `(items,)`, or shares of the pixels right."""
        found: torch.Tensor = outputs.topk(self.k, 1).indices
        return _by_item((found == targets.unsqueeze(1)).any(1))


@final
@dataclass(frozen=True)
class CrossEntropy:
    """Minus the logarithm of the class's probability, in nats."""

    def targets(self, outputs: Any, targets: Any) -> torch.Tensor:
        """Return classes as whole numbers."""
        return _classes("cross-entropy", outputs, targets)

    def scores(self, outputs: Any, targets: torch.Tensor) -> torch.Tensor:
        """Return losses `(items,)`."""
        if _is_logit(outputs):
            logits = outputs.reshape(targets.shape)
            return F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="none")
        return _by_item(F.cross_entropy(outputs, targets, reduction="none"))


@final
@dataclass(frozen=True)
class MeanError:
    """The difference to the target, its magnitude to the power `power`."""

    name: str
    power: int

    def targets(self, outputs: Any, targets: Any) -> torch.Tensor:
        """Return targets of the shape and type of outputs; `(items,)` goes with `(items, 1)`."""
        outputs, targets = _one_tensor(self.name, outputs), _one_tensor(self.name, targets, "targets")
        wanted = tuple(outputs.shape[1:])
        if tuple(targets.shape[1:]) not in (wanted, (*wanted, 1)) and (*targets.shape[1:], 1) != wanted:
            raise ValueError(
                f"`y` must have the shape of the outputs for `{self.name}`, (items, {', '.join(map(str, wanted))}), "
                f"got {tuple(targets.shape)}"
            )
        targets = targets.reshape(len(targets), *wanted).to(outputs.dtype)
        if not bool(torch.isfinite(targets).all()):
            raise ValueError("`y` must be finite, got NaN or infinity")
        return targets

    def scores(self, outputs: Any, targets: torch.Tensor) -> torch.Tensor:
        """Return mean errors `(items,)`."""
        difference: torch.Tensor = (outputs - targets).abs().double()
        return _by_item(difference.pow(self.power))


NAMED: Final[dict[str, Callable[[], ItemMetric]]] = {
    "accuracy": Accuracy,
    "cross-entropy": CrossEntropy,
    "mse": lambda: MeanError("mse", 2),
    "mae": lambda: MeanError("mae", 1),
}
"""The metrics by name, but for `top-k`."""


def _by_item(scores: torch.Tensor) -> torch.Tensor:
    """Return `(items,)` scores: the mean over what else there is."""
    return scores if scores.ndim == 1 else scores.flatten(1).double().mean(1)


def _is_logit(outputs: torch.Tensor) -> bool:
    return outputs.ndim == 1 or (outputs.ndim == 2 and outputs.shape[1] == 1)


def _one_tensor(name: str, value: Any, what: str = "outputs") -> torch.Tensor:
    if not isinstance(value, torch.Tensor):
        got = "none" if value is None else shown(value)
        remedy = "give (x, y)" if value is None else "give a function of (outputs, targets) that selects one"
        raise ValueError(f"`{name}` needs one tensor of {what}, got {got}: {remedy}")
    return value


def _classes(name: str, outputs: Any, targets: Any) -> torch.Tensor:
    outputs, y = _one_tensor(name, outputs), _one_tensor(name, targets, "targets")
    if _is_logit(outputs):
        return _binary(outputs, y)
    wanted = (len(y), *outputs.shape[2:])
    if tuple(y.shape) != wanted:
        one_hot = y.ndim == 2 and outputs.ndim == 2
        remedy = "of one-hot labels pass y.argmax(1)" if one_hot else _CLASSES_FIRST
        shapes = (
            f"`({', '.join(map(str, ('images', *outputs.shape[2:])))}{',' if outputs.ndim == 2 else ''})`"
        )
        raise ValueError(
            f"`y` must be {shapes}, got {tuple(y.shape)} for outputs (images, "
            f"{', '.join(map(str, outputs.shape[1:]))}): {remedy}"
        )
    if y.is_floating_point() or y.is_complex():
        raise TypeError(f"`y` must hold whole numbers, got {y.dtype}: pass y.long() if they are classes")
    y = y.long()
    check_classes(y, outputs.shape[1])
    return y


def _binary(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    if tuple(y.shape) not in ((len(y),), (len(y), 1)):
        raise ValueError(f"`y` must be `(items,)` for a network of one output, got {tuple(y.shape)}")
    wrong = y[(y != 0) & (y != 1)]
    if len(wrong):
        raise ValueError(f"`y` must be 0 or 1 for a network of one output, got {wrong.flatten()[0].item():g}")
    if len(outputs) > 1 and bool(((outputs > 0) & (outputs < 1)).all()):
        warnings.warn(
            "one output is taken as a logit, class 1 above 0; if the network ends in a sigmoid, leave that out",
            stacklevel=2,
        )
    return y.reshape(len(y)).long()
