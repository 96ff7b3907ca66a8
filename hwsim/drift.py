"""Accuracy over time: every chip, at every time, on every image.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023 (evaluation after 1 s, 1 h, 1 day, 1 month, 1 year on many
    chips).
"""

from __future__ import annotations

import math
import sys
import threading
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

import numpy as np
import torch

from hwsim.arguments import number, require, shown, whole
from hwsim.arguments import times as seconds
from hwsim.batched import CHIPS_AT_ONCE, BatchedChips
from hwsim.calibration import floating_point
from hwsim.chips import Chips
from hwsim.curve import DriftCurve, half_width
from hwsim.fused.executor import FusedNetwork
from hwsim.fused.executor import Worker as FusedWorker
from hwsim.fused.tracing import UnfusableError
from hwsim.inputs import check_classes, explained, labels, tensor
from hwsim.layered import LayerByLayer, LayeredWorker
from hwsim.noise import NoisePool, NoiseStream
from hwsim.streams import stream
from hwsim.validity import check_device_times

FEWEST_CHIPS: Final = 3
"""Chips that `confidence` never goes below."""

CHECKED_IMAGES: Final = 4
"""Images on which the compiled network is compared with its layers, before anything is evaluated."""

LARGEST_DIFFERENCE: Final = 0.1
"""Norm of the difference of scores over their norm: sums in another order may turn a step of a converter."""

Task: TypeAlias = tuple[int, int]
"""Number of the chip, number of the time."""


@torch.no_grad()
def accuracy_over_time(
    chips: Chips,
    x: torch.Tensor | np.ndarray,
    y: torch.Tensor | np.ndarray,
    times_s: Sequence[float] | float,
    *,
    batch_size: int = 512,
    chips_at_once: int = CHIPS_AT_ONCE,
    confidence: float | None = None,
    adabs_inputs: torch.Tensor | np.ndarray | None = None,
    progress: bool = False,
) -> DriftCurve:
    """Classify `x` on every chip at every time, on the device where the chips are.

    Args:
        chips: programmed chips.
        x: `(images, ...)` inputs, a tensor or a numpy array.
        y: `(images,)` classes, whole numbers from 0 on.
        times_s: seconds since programming, each at least 0; a single number is one time.
        batch_size: images in one forward pass where stages are not compiled, fewer on a CPU where activations are
            large; noise does not depend on it.
        chips_at_once: chips in one pass on a GPU, fewer where its memory does not hold them; a CPU runs one
            a thread.
        confidence: stop after the chip at which the 95 % interval of every mean is within plus or minus
            this, in points (0.2 means 0.2 % of the images); None evaluates all chips.
        adabs_inputs: `(images, ...)` inputs on which batch-norm statistics are measured anew on each chip
            at each time; None keeps those of training.
        progress: show a progress bar on a terminal.

    Returns:
        The curve; the same chips, data and times give the same curve, whatever the number of threads.

    Raises:
        ValueError: for no images or times, lengths that differ, NaN in `x`, classes that the network does
            not have, times outside the device's validity range, or a size below 1.
        TypeError: for an argument of another type.
    """
    require(chips, Chips, "`chips` must be hwsim.Chips", "call hwsim.program(net, n) first")
    batch_size = whole("batch_size", batch_size, least=1)
    chips_at_once = whole("chips_at_once", chips_at_once, least=1)
    require(progress, bool, "`progress` must be True or False")
    if confidence is not None:
        confidence = number("confidence", confidence, above=0, remedy="points, like 0.2; None for all chips")
    times, (first, *_) = seconds(times_s), chips.layers.values()
    check_device_times(chips.device, times)
    weight = first.weight
    x = tensor("x", x, weight)
    y = labels(y, len(x))
    if adabs_inputs is not None:
        adabs_inputs = tensor("adabs_inputs", adabs_inputs, weight)
        if len(adabs_inputs) < 2:
            raise ValueError(f"`adabs_inputs` must have at least 2 images, got {len(adabs_inputs)}")
    for name, layer in chips.layers.items():
        layer.require_input_range(name)
    check_classes(y, _n_classes(chips, "x", x))
    if adabs_inputs is not None:
        _n_classes(chips, "adabs_inputs", adabs_inputs)
    mappings = (layer.mapping for layer in chips.layers.values())
    pool = NoisePool.for_layers(stream(chips.seed, "pool"), mappings, chips.torch_device)
    tasks = [(chip, row) for chip in range(len(chips)) for row in range(len(times))]
    batched = BatchedChips(chips, pool, batch_size, chips_at_once)
    predictions = _predictions(chips, x, times, tasks, pool, batched, adabs_inputs)
    accuracy = np.empty((len(times), len(chips)), dtype=np.float64)
    correct = np.empty((len(times), len(chips), len(y)), dtype=np.bool_)
    with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):  # kernels are float32
        for (chip, row), predicted in _with_bar(predictions, len(tasks), progress):
            hits = predicted == y
            accuracy[row, chip] = float(hits.double().mean())
            correct[row, chip] = hits.numpy()
            done = chip + 1
            if confidence is None or row < len(times) - 1 or done < FEWEST_CHIPS:
                continue
            if 100 * half_width(accuracy[:, :done]) <= confidence:
                accuracy, correct = accuracy[:, :done], correct[:, :done]
                predictions.close()
                break
    return DriftCurve(tuple(times), accuracy, correct)


def _n_classes(chips: Chips, name: str, x: torch.Tensor) -> int:
    """Return how many classes the network tells apart, from one of the inputs that the caller calls `name`.

    Raises:
        ValueError: for inputs that it cannot run on, or outputs that are not one score a class.
    """
    with explained(name, x), floating_point(chips.net):
        scores = chips.net(x[:1].to(chips.torch_device, copy=True))
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2 or len(scores) != 1:
        got = tuple(scores.shape) if isinstance(scores, torch.Tensor) else shown(scores)
        raise ValueError(f"the network must return scores `(images, classes)`, got {got} for one image")
    return scores.shape[1]


def _predictions(
    chips: Chips,
    x: torch.Tensor,
    times: Sequence[float],
    tasks: Sequence[Task],
    pool: NoisePool,
    batched: BatchedChips,
    adabs_inputs: torch.Tensor | None,
) -> Generator[tuple[Task, torch.Tensor], None, None]:
    """Yield each task, in order, with the `(images,)` int64 classes that its chip finds."""
    network: FusedNetwork | LayerByLayer
    network = layers = LayerByLayer(chips, x[:1], batched.batch_size, adabs_inputs)
    if adabs_inputs is None:
        network = _planned(layers, x[:CHECKED_IMAGES], times[0], pool) or layers
        if network is layers and chips.torch_device.type != "cpu" and batched.supports(x[:1]):
            yield from _batched(batched, len(chips), x, times)
            return
    yield from _on_threads(network, chips, x, times, tasks, pool)


def _planned(layers: LayerByLayer, x: torch.Tensor, t_s: float, pool: NoisePool) -> FusedNetwork | None:
    """Return the compiled network, if there is one, checked against the layers on the first chip and images."""
    chips = layers.chips
    try:
        network = FusedNetwork(chips, x[:1])
    except UnfusableError:
        return None
    reading, noise = chips.at(t_s, 0), NoiseStream(pool, chips.mvm_key(t_s, 0))
    worker = network.worker()
    worker.load(reading, noise)
    found, wanted = worker(x, 0), layers.worker().scores(reading, noise, x, len(x))
    norm, distance = (float(torch.linalg.vector_norm(scores)) for scores in (wanted, found - wanted))
    if math.isfinite(norm) and not distance <= LARGEST_DIFFERENCE * norm:
        warnings.warn(
            f"compiled kernels find scores {distance:.3g} from those of the layers, whose norm is {norm:.3g}; the "
            "layers run one by one, which is slower. Please report this network",
            stacklevel=2,
        )
        return None
    return network


def _batched(
    batched: BatchedChips, n_chips: int, x: torch.Tensor, times: Sequence[float]
) -> Iterator[tuple[Task, torch.Tensor]]:
    """Run many chips at once."""
    at_once = batched.chips_at_once
    for first in range(0, n_chips, at_once):
        group = range(first, min(first + at_once, n_chips))
        by_time = [batched.classes(group, t_s, x) for t_s in times]
        for chip in group:
            yield from (((chip, row), classes[chip - first]) for row, classes in enumerate(by_time))


def _on_threads(
    network: FusedNetwork | LayerByLayer,
    chips: Chips,
    x: torch.Tensor,
    times: Sequence[float],
    tasks: Sequence[Task],
    pool: NoisePool,
) -> Generator[tuple[Task, torch.Tensor], None, None]:
    """Run one chip a thread: no barriers inside a layer, and results that do not depend on their number."""
    workers = threading.local()
    stop = threading.Event()

    def evaluate(task: Task) -> tuple[Task, torch.Tensor]:
        if stop.is_set():
            return task, torch.empty(0)
        chip, row = task
        if not hasattr(workers, "mine"):
            workers.mine = network.worker()
        worker: FusedWorker | LayeredWorker = workers.mine
        with torch.no_grad():
            noise = NoiseStream(pool, chips.mvm_key(times[row], chip))
            return task, worker.classes(chips.at(times[row], chip), noise, x)

    n_threads = torch.get_num_threads()
    if n_threads == 1 or chips.torch_device.type != "cpu":  # a thread of its own would only cost memory
        yield from map(evaluate, tasks)
        return
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(n_threads) as executor:
            try:
                yield from executor.map(evaluate, tasks)
            finally:
                stop.set()  # whoever stops reading early waits for no more than what runs
    finally:
        torch.set_num_threads(n_threads)


def _with_bar(
    results: Iterable[tuple[Task, torch.Tensor]], total: int, progress: bool
) -> Iterable[tuple[Task, torch.Tensor]]:
    if not progress or not sys.stderr.isatty():
        return results
    from rich.console import Console
    from rich.progress import track

    return track(results, "chips × times", total=total, console=Console(stderr=True), transient=True)
