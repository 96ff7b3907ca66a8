"""Any measure of a network on every chip at every time: a name, a function, or an object that gathers batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, final, overload, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch

from hwsim.arguments import shown
from hwsim.batched import CHIPS_AT_ONCE
from hwsim.chips import Chips
from hwsim.curve import DriftCurve
from hwsim.durations import Times, time_label
from hwsim.inference import BATCH_SIZE, Job, checked_job, run
from hwsim.metrics import Accuracy, ItemMetric, TopK, metric_named
from hwsim.progress import Progress
from hwsim.weight_rows import analog_share


@runtime_checkable
class RunningMetric(Protocol):
    """A metric as torchmetrics has them."""

    def update(self, outputs: Any, targets: Any, /) -> Any:
        """Take outputs and targets."""
        ...

    def compute(self) -> Any:
        """Return the value of what was taken."""
        ...

    def reset(self) -> Any:
        """Forget what was taken."""
        ...


Metric: TypeAlias = str | Callable[[Any, Any], Any] | RunningMetric
"""A name, a function of (outputs, targets) that returns a number, or an object with update, compute and reset."""


@overload
def evaluate(
    chips: Chips,
    data: object,
    times_s: Times,
    metric: Metric = "accuracy",
    *,
    batch_size: int = ...,
    chips_at_once: int = ...,
    adabs_inputs: object = ...,
    progress: bool | None = ...,
) -> DriftCurve: ...


@overload
def evaluate(
    chips: Chips,
    data: object,
    times_s: Times,
    metric: list[Metric] | tuple[Metric, ...] | Mapping[str, Metric],
    *,
    batch_size: int = ...,
    chips_at_once: int = ...,
    adabs_inputs: object = ...,
    progress: bool | None = ...,
) -> dict[str, DriftCurve]: ...


def evaluate(
    chips: Chips,
    data: object,
    times_s: Times,
    metric: Metric | list[Metric] | tuple[Metric, ...] | Mapping[str, Metric] = "accuracy",
    *,
    batch_size: int = BATCH_SIZE,
    chips_at_once: int = CHIPS_AT_ONCE,
    adabs_inputs: object = None,
    progress: bool | None = None,
) -> DriftCurve | dict[str, DriftCurve]:
    """Measure a network on every chip at every time.

    Args:
        chips: programmed chips.
        data: `(x, y)` tensors or numpy arrays, a torch DataLoader, or any iterable of batches `(x, y)`, which is read
            once. A network of several inputs gets a tuple or list `x` as `net(*x)` and a dictionary as `net(**x)`.
            `y` may be a structure of tensors, too.
        times_s: seconds since programming, or texts such as `1 day`; a single one is one time.
        metric: `accuracy`, `top-5` (any k), `cross-entropy`, `mse` or `mae` (`hwsim.metrics`); a function of (outputs,
            targets) that returns a number; an object with update, compute and reset, as torchmetrics has them; or
            several of these, as a list or by name, in one pass. Functions and objects see the outputs of all items at
            once, of one chip at one time, in the structure that the network returns, on the CPU.
        batch_size: items in one pass where stages are not compiled, fewer on a CPU where activations are large; noise
            does not depend on it.
        chips_at_once: chips in one pass on a GPU, fewer where its memory does not hold them; a CPU runs one a thread.
        adabs_inputs: inputs on which batch-norm statistics are measured again on each chip at each time; None keeps
            those of training.
        progress: True reports on the error stream, False never does, None where it takes more than a few seconds.

    Returns:
        The curve, or curves by name for several metrics; the same chips, data and times give the same curve, whatever
        the number of threads.

    Raises:
        ValueError: for what `hwsim.outputs` refuses, no targets, targets of another length or shape, an unknown metric,
            or a metric that is not finite or not one number.
        TypeError: for an argument of another type, or a metric that returns one.

    Example:
        >>> from hwsim import preset, program, to_analog
        >>> chips = program(to_analog(torch.nn.Linear(4, 1), "floating-point"), n=2)
        >>> x, y = torch.ones(5, 4), torch.zeros(5, 1)
        >>> curves = evaluate(chips, (x, y), "1 s", {"mse": "mse", "sum": lambda outputs, y: (outputs - y).sum()})
        >>> curves["mse"].metric, curves["sum"].values.shape
        ('mse', (1, 2))
    """
    several = isinstance(metric, Mapping | list | tuple)
    metrics = metrics_by_name(metric)
    job = checked_job(
        chips, data, times_s, batch_size, chips_at_once, adabs_inputs, progress, needs_targets=True
    )
    curves = measured(job, metrics, progress)
    return curves if several else next(iter(curves.values()))


def measured(
    job: Job,
    metrics: Mapping[str, ItemMetric | Whole],
    progress: bool | None,
    enough: Callable[[npt.NDArray[np.float64]], bool] | None = None,
) -> dict[str, DriftCurve]:
    """Return a curve for each metric.

    Args:
        job: what to run.
        metrics: by name; their own names stand in the curves.
        progress: as `evaluate` has it.
        enough: whether the `(times, chips)` values of the first metric so far are; None evaluates all chips.

    Raises:
        ValueError: for what a metric refuses.
        TypeError: for what a metric refuses.
    """
    targets, n_items, n_chips = job.data.targets, len(job.data.inputs), len(job.readings)
    kept = _Kept(job, metrics)
    shape = (len(job.times), n_chips)
    values = {name: np.empty(shape, dtype=np.float64) for name in metrics}
    correct = {
        name: np.empty((*shape, n_items), dtype=np.bool_)
        for name, metric in metrics.items()
        if isinstance(metric, Accuracy | TopK) and kept.targets[name].ndim == 1
    }
    done = 0
    results = run(job, kept, kept.result_bytes)
    with Progress("chips × times", len(job.tasks), progress) as bar:
        for count, ((chip, row), found) in enumerate(results, start=1):
            scores = dict(zip(kept.targets, found, strict=False))
            for name, metric in metrics.items():
                if isinstance(metric, Whole):
                    place = f"chip {chip} at {time_label(job.times[row])}"
                    values[name][row, chip] = metric.value(found[-1], targets, place)
                    continue
                values[name][row, chip] = float(scores[name].double().mean())
                if name in correct:
                    correct[name][row, chip] = scores[name].numpy()
            bar.tick(count)
            done = chip + 1
            if (
                enough is not None
                and row == len(job.times) - 1
                and enough(next(iter(values.values()))[:, :done])
            ):
                results.close()
                break
    numbers = tuple(range(job.chips.first, job.chips.first + done))
    share = analog_share(job.chips.net)
    return {
        name: DriftCurve(
            tuple(job.times),
            found[:, :done],
            correct[name][:, :done] if name in correct else None,
            metric=metrics[name].name,
            chips=numbers,
            analog_share=share,
        )
        for name, found in values.items()
    }


@final
class _Kept:
    """Keeps the scores of each metric that is a mean over items, and the outputs if another metric wants them.

    Attributes:
        targets: of these metrics by their names, on the device of the chips.
        result_bytes: what is kept of all items, if that is more than scores.
    """

    def __init__(self, job: Job, metrics: Mapping[str, ItemMetric | Whole]) -> None:
        self._scored = {name: metric for name, metric in metrics.items() if not isinstance(metric, Whole)}
        self._keeps_outputs = len(self._scored) < len(metrics)
        self.result_bytes = self._keeps_outputs * job.form.bytes_an_item * len(job.data.inputs)
        self.targets = {
            name: metric.targets(job.example, job.data.targets).to(job.chips.torch_device)
            for name, metric in self._scored.items()
        }

    def __call__(self, outputs: Any, start: int, end: int) -> list[Any]:
        """Return scores in the order of the metrics, and the outputs behind them."""
        scores = [
            metric.scores(outputs, self.targets[name][start:end]) for name, metric in self._scored.items()
        ]
        return [*scores, outputs] if self._keeps_outputs else scores


@final
class Whole:
    """A metric of the outputs of all items, by the name that the caller gives it: a function or an object."""

    def __init__(self, name: str, metric: Callable[[Any, Any], Any] | RunningMetric) -> None:
        self.name = name
        self._metric = metric

    def value(self, outputs: Any, targets: Any, place: str) -> float:
        """Return the value for all items.

        Raises:
            ValueError: unless it is one finite number.
            TypeError: for another type.
        """
        try:
            if isinstance(self._metric, RunningMetric):
                self._metric.reset()
                self._metric.update(outputs, targets)
                found = self._metric.compute()
                self._metric.reset()
            else:
                found = self._metric(outputs, targets)
        except Exception as error:
            error.add_note(
                f"in metric `{self.name}`, which is called with outputs and targets of all items, on {place}"
            )
            raise
        return _number(self.name, found, place)


def _number(name: str, value: object, place: str) -> float:
    rule, remedy = f"metric `{name}` must return one number", "return a mean or another single number"
    if isinstance(value, torch.Tensor | np.ndarray):
        n_values = int(np.prod(value.shape))
        if n_values != 1:
            raise ValueError(
                f"{rule}, got {n_values} values of shape {tuple(value.shape)} on {place}: {remedy}"
            )
        value = value.item()
    if isinstance(value, str | bool) or not isinstance(value, int | float | np.integer | np.floating):
        several = (
            "several metrics are a mapping of names to metrics" if isinstance(value, Mapping) else remedy
        )
        raise TypeError(f"{rule}, got {shown(value)} on {place}: {several}")
    if not np.isfinite(float(value)):
        raise ValueError(
            f"{rule} that is finite, got {value} on {place}: let it return a number for such outputs, too"
        )
    return float(value)


def metrics_by_name(
    metric: Metric | list[Metric] | tuple[Metric, ...] | Mapping[str, Metric],
) -> dict[str, ItemMetric | Whole]:
    """Return metrics by name, one of a caller's own by that of its function or class."""
    if isinstance(metric, list | tuple):
        if not metric:
            raise ValueError("`metric` must have at least one metric, got an empty list")
        names = [_name(one) for one in metric]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"names of metrics must differ, got {twice!r} twice: a mapping names them")
        return {name: _resolved(name, one) for name, one in zip(names, metric, strict=True)}
    if not isinstance(metric, Mapping):
        name = _name(metric)
        return {name: _resolved(name, metric)}
    if not metric:
        raise ValueError("`metric` must have at least one metric, got an empty mapping")
    for name in metric:
        if not isinstance(name, str):
            raise TypeError(f"names of metrics must be texts, got {shown(name)}")
    return {name: _resolved(name, one) for name, one in metric.items()}


def _resolved(name: str, metric: Metric) -> ItemMetric | Whole:
    if isinstance(metric, str):
        return metric_named(metric)
    if isinstance(metric, type):
        raise TypeError(f"`metric` must be an object, got {shown(metric)}: call it, {metric.__name__}()")
    if isinstance(metric, RunningMetric) or callable(metric):
        return Whole(name, metric)
    raise TypeError(
        f"`metric` must be a name, a function of (outputs, targets), an object with update, compute and reset, or a "
        f"mapping of names to these, got {shown(metric)}"
    )


def _name(metric: Metric) -> str:
    if isinstance(metric, str):
        return metric
    found = getattr(metric, "__name__", type(metric).__name__)
    return "metric" if found == "<lambda>" else str(found)
