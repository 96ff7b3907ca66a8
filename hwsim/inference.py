"""The outputs of every chip at every time.

Chips run one a thread on a CPU, as compiled stages where the network can be planned, and many at once on a GPU. Chip
after chip, each at all times in their order: results come in this order, whatever the number of threads.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias, final

import numpy as np
import torch
from torch.utils._pytree import tree_map_only

from hwsim import memory
from hwsim.arguments import require, whole
from hwsim.arguments import times as seconds
from hwsim.batched import CHIPS_AT_ONCE, BatchedChips
from hwsim.calibration import floating_point
from hwsim.chips import Chips, Readings
from hwsim.collected import Form, tensors_in
from hwsim.dataset import Dataset, read_dataset
from hwsim.durations import Times
from hwsim.fused.executor import FusedNetwork
from hwsim.fused.executor import Worker as FusedWorker
from hwsim.fused.tracing import UnfusableError
from hwsim.inputs import Inputs, explained, inputs_of
from hwsim.keep import Keep
from hwsim.layered import LayerByLayer, LayeredWorker, largest_outputs
from hwsim.modules import AnalogComposite, AnalogLinear, ParameterProduct
from hwsim.noise import NoisePool, NoiseStream
from hwsim.progress import Progress
from hwsim.streams import stream
from hwsim.validity import check_device_times

BATCH_SIZE: Final = 512
"""Items in one pass layer by layer, unless told otherwise."""

EXAMPLES: Final = 8
"""Items that the network runs on in floating point, before anything is evaluated."""

CHECKED_IMAGES: Final = 4
"""Items on which the compiled network is compared with its layers, before anything is evaluated."""

LARGEST_DIFFERENCE: Final = 0.1
"""Norm of the difference of outputs over their norm: sums in another order may turn a step of a converter."""

WAITING_BYTES: Final = 1 << 30
"""Results that may wait for who reads them, where more than one a thread is asked for."""

Task: TypeAlias = tuple[int, int]
"""Number of the chip, number of the time."""


class ChipOutputs(NamedTuple):
    """What one chip makes of all items at one time.

    Attributes:
        t_s: seconds since programming.
        chip: which of the chips, from 0 on, as `chips.at(t_s, chip)` counts them.
        outputs: what the network returns, tensors `(items, ...)` on the CPU in the structure of the network.
    """

    t_s: float
    chip: int
    outputs: Any


@final
@dataclass(frozen=True)
class Job:
    """A checked request.

    Attributes:
        chips: programmed chips.
        readings: what is evaluated of them: the chips themselves, or variants of them.
        data: all items.
        times: seconds since programming.
        example: what the network returns in floating point for the first items, on the CPU.
        form: of the network's outputs.
        largest_output: numbers of the largest output of an analog layer for one item.
        batch_size: items in one pass layer by layer.
        chips_at_once: chips in one pass on a GPU.
        adabs_inputs: what batch-norm statistics are measured on again; None keeps those of training.
    """

    chips: Chips
    readings: Readings
    data: Dataset
    times: list[float]
    example: Any
    form: Form
    largest_output: int
    batch_size: int
    chips_at_once: int
    adabs_inputs: Inputs | None

    @property
    def tasks(self) -> list[Task]:
        """Every chip at every time, in order."""
        return [(chip, row) for chip in range(len(self.readings)) for row in range(len(self.times))]


def outputs(
    chips: Chips,
    data: object,
    times_s: Times,
    *,
    batch_size: int = BATCH_SIZE,
    chips_at_once: int = CHIPS_AT_ONCE,
    adabs_inputs: object = None,
    progress: bool | None = None,
) -> Generator[ChipOutputs, None, None]:
    """Yield the network's outputs for all of `data`, for every chip at every time.

    Chip 0 comes at each time in the order of `times_s`, then chip 1, and so on. A few results are computed ahead, one a
    thread and one more; while the generator is open, torch runs one thread a chip.

    Args:
        chips: programmed chips.
        data: as for `hwsim.evaluate`, but targets are not used and may be missing: a tensor or an array, a dictionary
            of them for `net(**x)`, `(x, y)`, or batches of these.
        times_s: seconds since programming, or texts such as `1 day`; a single one is one time.
        batch_size: items in one pass where stages are not compiled, fewer on a CPU where activations are large.
        chips_at_once: chips in one pass on a GPU, fewer where its memory does not hold them.
        adabs_inputs: inputs on which batch-norm statistics are measured again on each chip at each time; None keeps
            those of training.
        progress: True reports on the error stream, False never does, None where it takes more than a few seconds.

    Raises:
        ValueError: for no items or times, inputs that the network cannot run on, times outside the device's validity
            range, or outputs that are not tensors `(items, ...)` of one form; before anything runs where possible.
        TypeError: for an argument of another type.

    Example:
        >>> from hwsim import preset, program, to_analog
        >>> chips = program(to_analog(torch.nn.Linear(4, 2), "floating-point"), n=2)
        >>> [(t_s, chip, tuple(y.shape)) for t_s, chip, y in outputs(chips, torch.ones(5, 4), "1 day")]
        [(86400.0, 0, (5, 2)), (86400.0, 1, (5, 2))]
    """
    job = checked_job(chips, data, times_s, batch_size, chips_at_once, adabs_inputs, progress)

    def all_of_it() -> Generator[ChipOutputs, None, None]:
        results = run(job, lambda found, start, end: found, job.form.bytes_an_item * len(job.data.inputs))
        with Progress("chips × times", len(job.tasks), progress) as bar:
            for done, ((chip, row), found) in enumerate(results, start=1):
                bar.tick(done)
                yield ChipOutputs(job.times[row], chip, found)

    return all_of_it()


def checked_job(
    chips: Chips,
    data: object,
    times_s: Times,
    batch_size: int,
    chips_at_once: int,
    adabs_inputs: object,
    progress: bool | None,
    *,
    needs_targets: bool = False,
) -> Job:
    """Return a request that can be run; raises as `outputs` does."""
    require(chips, Chips, "`chips` must be hwsim.Chips", "call hwsim.program(net, n) first")
    batch_size = whole("batch_size", batch_size, least=1)
    chips_at_once = whole("chips_at_once", chips_at_once, least=1)
    if progress is not None:
        require(progress, bool, "`progress` must be True, False or None")
    times = seconds(times_s)
    check_device_times(chips.device, times)
    for name, layer in chips.layers.items():
        layer.require_input_range(name)
    weight = next(iter(chips.layers.values())).weight
    adapting = None
    if adabs_inputs is not None:
        adapting = inputs_of("adabs_inputs", adabs_inputs, weight)
        if len(adapting) < 2:
            raise ValueError(f"`adabs_inputs` must have at least 2 images, got {len(adapting)}")
        _example(chips, "adabs_inputs", adapting)
    dataset = read_dataset(data, weight, progress, needs_targets=needs_targets)
    name = "x" if isinstance(data, tuple | torch.Tensor | np.ndarray) else "data"
    example, form, largest = _example(chips, name, dataset.inputs)
    return Job(chips, chips, dataset, times, example, form, largest, batch_size, chips_at_once, adapting)


def _example(chips: Chips, name: str, inputs: Inputs) -> tuple[Any, Form, int]:
    """Return outputs in floating point, their form and the largest output of a layer for an item.

    They are of the first inputs that the caller calls `name`.
    """
    few = inputs.part(0, EXAMPLES)
    with (
        explained(name, few),
        torch.no_grad(),
        _few_items(),
        floating_point(chips.net),
        largest_outputs(chips.net, max(1, len(few))) as largest,
    ):
        found = few.copied_to(chips.torch_device).into(chips.net)
    form = Form(found, len(few))
    return tree_map_only(torch.Tensor, torch.Tensor.cpu, found), form, max(largest)


def run(job: Job, keep: Keep, result_bytes: int = 0) -> Generator[tuple[Task, Any], None, None]:
    """Yield each task, in order, with what `keep` keeps of the outputs of all items, on the CPU.

    Args:
        job: what to run.
        keep: what is kept of each pass.
        result_bytes: what is kept of one task takes, where that is much.
    """
    chips, inputs = job.chips, job.data.inputs
    mappings = (layer.mapping for layer in chips.layers.values())
    pool = NoisePool.for_layers(stream(chips.seed, "pool"), mappings, chips.torch_device)

    def checked(found: Any, start: int, end: int) -> Any:
        return keep(job.form.checked(found, end - start), start, end)

    with _few_items():
        layers = LayerByLayer(chips, inputs.part(0, 1), job.batch_size, job.adabs_inputs, job.largest_output)
    network: FusedNetwork | LayerByLayer = layers
    if job.adabs_inputs is None:
        with torch.no_grad(), _few_items():
            network = _planned(layers, job, pool) or layers
            at_once = max(1, min(job.chips_at_once, WAITING_BYTES // max(1, result_bytes * len(job.times))))
            batched = BatchedChips(chips, pool, job.batch_size, at_once, job.readings)
            on_gpu = network is layers and chips.torch_device.type != "cpu"
            many_at_once = on_gpu and batched.supports(inputs.part(0, 1), checked)
        if many_at_once:
            yield from in_batches(batched, job, checked)
            return
    yield from _on_threads(network, job, checked, pool, result_bytes)


def _planned(layers: LayerByLayer, job: Job, pool: NoisePool) -> FusedNetwork | None:
    """Return the compiled network, if there is one, checked against the layers on the first chip and items."""
    readings, few = job.readings, job.data.inputs.part(0, CHECKED_IMAGES)
    if _is_mostly_composite(job.chips):  # whose arrays run step by step whatever is around them
        return None
    try:
        network = FusedNetwork(job.chips, few.part(0, 1))
    except UnfusableError:
        return None
    reading, noise = readings.at(job.times[0], 0), NoiseStream(pool, readings.mvm_key(job.times[0], 0))
    worker = network.worker()
    worker.load(reading, noise)
    found = worker(few, 0)
    ((_, _, wanted),) = layers.worker().passes(reading, noise, few, len(few))
    pairs = list(zip(tensors_in(found), tensors_in(wanted), strict=True))
    norm = _norm([other for _, other in pairs])
    distance = _norm([one.double() - other.double() for one, other in pairs])
    if math.isfinite(norm) and not distance <= LARGEST_DIFFERENCE * norm:
        warnings.warn(
            f"compiled kernels find outputs {distance:.3g} from those of the layers, whose norm is {norm:.3g}; the "
            "layers run one by one, which is slower. Please report this network",
            stacklevel=2,
        )
        return None
    return network


def _is_mostly_composite(chips: Chips) -> bool:
    """Whether layers of several arrays have most of the weights, and no convolution is outside of them."""
    composites = [
        module
        for module in chips.net.modules()
        if isinstance(module, AnalogComposite) and not isinstance(module, ParameterProduct)
    ]
    inside = {part for module in composites for part in module.modules()}
    outside = [layer for layer in chips.layers.values() if layer not in inside]
    weights = sum(layer.weight.numel() for layer in chips.layers.values())
    return all(isinstance(layer, AnalogLinear) for layer in outside) and (
        2 * sum(layer.weight.numel() for layer in outside) < weights
    )


def _norm(tensors: list[torch.Tensor]) -> float:
    return math.hypot(*(float(torch.linalg.vector_norm(tensor.double())) for tensor in tensors))


def in_batches(batched: BatchedChips, job: Job, keep: Keep) -> Iterator[tuple[Task, Any]]:
    """Yield each chip with each time, and what `keep` returns for its outputs; groups of chips run at once."""
    at_once, n_chips = batched.chips_at_once, len(job.readings)
    for first in range(0, n_chips, at_once):
        group = range(first, min(first + at_once, n_chips))
        with torch.no_grad(), _full_precision():
            by_time = [batched.evaluate(group, t_s, job.data.inputs, keep) for t_s in job.times]
        for chip in group:
            yield from (((chip, row), kept[chip - first]) for row, kept in enumerate(by_time))


def _on_threads(
    network: FusedNetwork | LayerByLayer, job: Job, keep: Keep, pool: NoisePool, result_bytes: int
) -> Generator[tuple[Task, Any], None, None]:
    """Run one chip a thread: no barriers inside a layer, and results that do not depend on their number."""
    readings, times = job.readings, job.times
    workers = threading.local()
    stop = threading.Event()

    def evaluate(task: Task) -> tuple[Task, Any]:
        if stop.is_set():
            return task, None
        chip, row = task
        if not hasattr(workers, "mine"):
            workers.mine = network.worker()
        worker: FusedWorker | LayeredWorker = workers.mine
        with torch.no_grad(), _full_precision():
            noise = NoiseStream(pool, readings.mvm_key(times[row], chip))
            return task, worker.evaluate(readings.at(times[row], chip), noise, job.data.inputs, keep)

    n_threads = _threads_that_fit(torch.get_num_threads(), result_bytes)
    if n_threads == 1 or job.chips.torch_device.type != "cpu":  # a thread of its own would only cost memory
        yield from map(evaluate, job.tasks)
        return
    before = torch.get_num_threads()
    ahead = n_threads + max(1, min(3 * n_threads, WAITING_BYTES // max(1, result_bytes)))
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(n_threads) as executor:
            rest = iter(job.tasks)
            waiting: deque[Future[tuple[Task, Any]]] = deque()
            try:
                waiting.extend(executor.submit(evaluate, task) for task in islice(rest, ahead))
                while waiting:
                    result = waiting.popleft().result()
                    waiting.extend(executor.submit(evaluate, task) for task in islice(rest, 1))
                    yield result
            finally:
                stop.set()  # whoever stops reading early waits for no more than what runs
    finally:
        torch.set_num_threads(before)


def _threads_that_fit(n_threads: int, result_bytes: int) -> int:
    """Return how many threads can have results of this size, one each and one that is read.

    Raises:
        ValueError: if not even one result fits in memory.
    """
    free = memory.available_bytes()
    if result_bytes > free:
        raise ValueError(
            f"outputs of one chip at one time must fit in memory, got {memory.size(result_bytes)} with "
            f"{memory.size(free)} free: give less data, or a metric that hwsim computes batch by batch"
        )
    return max(1, min(n_threads, free // max(1, result_bytes) - 1))


@contextmanager
def _few_items() -> Iterator[None]:
    """Run a few items: on one thread, because several wait for each other longer than they work."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _full_precision():
            yield
    finally:
        torch.set_num_threads(n_threads)


@contextmanager
def _full_precision() -> Iterator[None]:
    """Leave the caller's autocast aside: kernels are float32."""
    with ExitStack() as stack:
        for kind in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(kind, enabled=False))
        yield
