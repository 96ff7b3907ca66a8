"""How fast our trainings are, as ratios to a plain PyTorch loop with a DataLoader on the same network and data.

The plain loop is what one writes first: `DataLoader(TensorDataset(x, y), batch_size, shuffle=True)`, the network in
torch's default layout, cross-entropy, AdamW. Ours is one epoch of `analognas`'s digital training, and one of its
hardware-aware training on `pcm-analognas`; both with the same batch size and optimiser. Each job runs in a process of
its own, because ours sets how the C library keeps memory; rounds of the three alternate, and the best of each counts.
Inputs have the shape and number of the task's and are drawn at random: the time does not depend on what they show.

    python scripts/bench_training.py [--task NAME …] [--threads N] [--device cpu|cuda] [--augment] [--trials] [--json]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import hwsim
from analognas.compose import Composition, compose
from analognas.config.loader import load_config
from analognas.errors import UserError
from analognas.executors.executor import Job
from analognas.record.trial import Failure
from analognas.seeds import numpy_generator
from analognas.strategies.strategy import Proposal
from analognas.tasks import Split, Task
from analognas.training.augmentation import Augmentation
from analognas.training.channels_last import to_channels_last
from analognas.training.inputs import TrainingInputs
from analognas.training.loop import Schedule, plain_step, train
from search_spaces import published

ROOT = Path(__file__).parents[1]
# network, input shape, classes, inputs of the timed epoch, batch size, augmentation
TASKS: dict[str, tuple[str, tuple[int, int, int], int, int, int, Augmentation]] = {
    "digits": ("resnet8", (1, 8, 8), 10, 1078, 128, Augmentation(crop=1)),
    "fsdd": ("ds-cnn", (1, 49, 10), 10, 1024, 64, Augmentation(time_shift=5)),
    "speech-commands": ("ds-cnn", (1, 49, 10), 12, 1024, 128, Augmentation(time_shift=5)),
    "cifar10": ("resnet8", (3, 32, 32), 10, 1024, 128, Augmentation(crop=4, flip=True)),
    "visual-wake-words": ("mobilenet-v1-0.25", (3, 96, 96), 2, 256, 32, Augmentation(flip=True)),
}
# training and validation inputs of the ready-made quick searches whose data may not be here
SIZES = {
    "fsdd": (1500, 1000),
    "speech-commands": (8000, 2000),
    "cifar10": (4000, 1000),
    "visual-wake-words": (6000, 1000),
}
JOBS = ("plain", "digital", "hardware-aware")
TARGETS = {"digital": 0.7, "hardware-aware": 1.3}
RATE = 1e-3


def data(name: str) -> Task:
    """Return a task of the right shape with random contents."""
    _, shape, classes, n, _, _ = TASKS[name]
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (n, *shape), generator=generator, dtype=torch.uint8)
    split = Split(x, torch.randint(classes, (n,), generator=generator))
    return Task(name, split, split, split, tuple(map(str, range(classes))))


def plain(name: str, device: str) -> Callable[[], None]:
    """Return an epoch of a plain loop."""
    network, shape, classes, _, batch, _ = TASKS[name]
    task = data(name)
    loader = DataLoader(TensorDataset(task.standardise(task.train.x), task.train.y), batch, shuffle=True)
    model = published(network, shape, classes).train().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)

    def epoch() -> None:
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x.to(device)), y.to(device)).backward()
            optimizer.step()

    return epoch


def ours(name: str, device: str, hardware_aware: bool, augment: bool) -> Callable[[], None]:
    """Return an epoch of our digital or hardware-aware training."""
    network, shape, classes, _, batch, augmentation = TASKS[name]
    inputs = TrainingInputs(data(name), augmentation if augment else Augmentation()).to(torch.device(device))
    model: nn.Module = published(network, shape, classes).to(device)
    to_channels_last(model)
    schedule = Schedule(1, batch, "adam", RATE, 0.0, 0.0)
    generator = torch.Generator().manual_seed(1)
    if not hardware_aware:
        return lambda: void(train(model, inputs, schedule, generator, plain_step(model)))
    analog = hwsim.to_analog(model, hwsim.preset("pcm-analognas"))
    analog.eval()
    hwsim.calibrate(analog, [inputs.spread(128)])
    hwa = hwsim.HwaTraining(analog, generator=torch.Generator().manual_seed(2))
    forward_backward = plain_step(analog)

    def step(x: Tensor, y: Tensor) -> Tensor:
        with hwa.step():
            return forward_backward(x, y)

    return lambda: void(train(analog, inputs, schedule, generator, step, after_update=hwa.after_update))


def void(_: float) -> None:
    """Return nothing."""


def serve(name: str, job: str, options: argparse.Namespace) -> None:
    """Run one epoch for every line of the input stream and answer with its seconds."""
    torch.set_num_threads(options.threads)
    epoch = (
        plain(name, options.device)
        if job == "plain"
        else ours(name, options.device, job == "hardware-aware", options.augment)
    )
    for _ in sys.stdin:
        start = time.perf_counter()
        epoch()
        if options.device == "cuda":
            torch.cuda.synchronize()
        print(time.perf_counter() - start, flush=True)


def measure(name: str, options: argparse.Namespace) -> dict[str, float]:
    """Return the shortest epoch of each job, s, after one unmeasured round."""
    command = [sys.executable, __file__, "--device", options.device, "--threads", str(options.threads)]
    command += ["--augment"] if options.augment else []
    workers = {
        job: subprocess.Popen(
            [*command, "--serve", name, job], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for job in JOBS
    }
    times: dict[str, list[float]] = {job: [] for job in JOBS}
    for repeat in range(options.repeats + 1):
        for job, worker in workers.items():
            assert worker.stdin is not None
            assert worker.stdout is not None
            worker.stdin.write("\n")
            worker.stdin.flush()
            seconds = float(worker.stdout.readline())
            if repeat:
                times[job].append(seconds)
    for worker in workers.values():
        worker.communicate()
    return {job: min(values) for job, values in times.items()}


def composed(path: Path, options: argparse.Namespace, folder: Path) -> tuple[Composition, str]:
    """Return the parts of a ready-made search, and what its trials train on: its data, or as many random inputs."""
    common = [f"executor.threads={options.threads}", f"executor.device={options.device}"]
    _, shape, classes, *_ = TASKS[path.stem]
    n_train, n_validation = SIZES.get(path.stem, (0, 0))
    try:
        composition = compose(load_config(path, common)[0])
        if len(composition.task.train) >= n_train:
            return composition, f"data: {composition.task.name}"
    except UserError:
        if not n_train:
            raise
    generator = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", n_train), ("val", n_validation), ("test", classes)):
        arrays[f"x_{part}"] = generator.integers(256, size=(n, *shape), dtype=np.uint8)
        arrays[f"y_{part}"] = np.arange(n) % classes
    np.savez(folder / "random.npz", allow_pickle=False, **arrays)
    task = f"task={{kind: arrays, path: {folder / 'random.npz'}}}"
    composition = compose(load_config(path, [*common, task, "training.early_stop=null"])[0])
    return composition, "data: random, of its size"


def trials_an_hour(path: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return how many trials of a ready-made search fit into an hour, from three of them.

    They are the quartiles, by multiply-accumulates, of random candidates that meet the hard constraints. On a busy
    machine the rate by processor time is what an idle one would give.
    """
    with tempfile.TemporaryDirectory() as folder:
        composition, trained_on = composed(path, options, Path(folder))
    problem = composition.problem
    population = problem.space.sample(2048, numpy_generator(0, "bench"))
    admissible = population[problem.admissible(population)]
    order = np.argsort(problem.space.macs(admissible), kind="stable")
    chosen = [admissible[order[len(order) * quarter // 4]] for quarter in (1, 2, 3)]
    seconds, processor, stopped = [], 0.0, 0
    for number, genotype in enumerate(chosen):
        proposal = Proposal(tuple(genotype.tolist()), "bench", {})
        before = time.process_time()
        outcome = composition.evaluator.evaluate(Job(proposal, 0, number, number))
        processor += time.process_time() - before
        seconds.append(outcome.wall_time_s)
        stopped += isinstance(outcome.result, Failure)
    rate = 3600 * len(seconds) / sum(seconds)
    return {
        "trials_an_hour": rate,
        "trials_a_processor_hour": 3600 * len(seconds) / processor,
        "seconds": seconds,
        "stopped_early": stopped,
        "trained_on": trained_on,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", action="append", choices=list(TASKS), help="repeatable; default: all")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="where everything runs")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--augment", action="store_true", help="ours with augmentation, the plain loop without"
    )
    parser.add_argument(
        "--trials",
        action="store_true",
        help="trials an hour of the ready-made quick search of each task, too",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(*options.serve, options)
        return 0
    if options.device == "cuda" and not torch.cuda.is_available():
        print("--device cuda: this machine has no CUDA device that torch can use", file=sys.stderr)
        return 2
    result: dict[str, Any] = {"threads": options.threads, "device": options.device, "tasks": {}}
    for name in options.task or TASKS:
        seconds = measure(name, options)
        ratios = {job: seconds[job] / seconds["plain"] for job in JOBS[1:]}
        result["tasks"][name] = {"network": TASKS[name][0], "epoch_s": seconds, "ratios": ratios}
        if not options.json:
            shown = ", ".join(f"{job} {ratio:.2f} (target {TARGETS[job]})" for job, ratio in ratios.items())
            print(
                f"{name:18} {TASKS[name][0]:18} plain {seconds['plain']:.2f} s an epoch; {shown}", flush=True
            )
    if options.trials:
        torch.set_num_threads(options.threads)
        result["trials"] = {}
        for name in options.task or TASKS:
            entry = result["trials"][name] = trials_an_hour(ROOT / "configs" / f"{name}.yaml", options)
            if not options.json:
                stopped = f", {entry['stopped_early']} stopped early" if entry["stopped_early"] else ""
                seconds = " ".join(f"{second:.1f}" for second in entry["seconds"])
                print(
                    f"{name:18} {entry['trials_an_hour']:5.0f} trials an hour ({seconds} s{stopped}), "
                    f"{entry['trials_a_processor_hour']:.0f} in an hour of processor time; {entry['trained_on']}",
                    flush=True,
                )
    if options.json:
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
