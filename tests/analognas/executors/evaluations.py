"""Evaluations that cost nothing and go wrong in every way; workers import them by name."""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from analognas.executors.executor import Job, Measurement, Outcome, node_name, now_utc
from analognas.record.trial import DriftRecord
from analognas.strategies.strategy import Proposal


def accuracy_of(genotype: tuple[int, ...]) -> float:
    """Return a made-up accuracy, different for most candidates."""
    return 0.5 + (sum((n + 3) * gene for n, gene in enumerate(genotype)) % 997) / 2000


def outcome(job: Job) -> Outcome:
    """Measure a candidate by a formula."""
    genotype = job.proposal.genotype
    accuracy = accuracy_of(genotype)
    metrics = {"accuracy_1d": accuracy, "std_1d": 0.01, "avm": 0.02, "accuracy_1s": accuracy}
    metrics |= {
        "digital_accuracy": 1.0,
        "parameters": float(sum(genotype)),
        "macs": 1.0,
        "tiles": 1.0,
        "utilisation": 0.5,
    }
    return Outcome(
        job,
        Measurement(metrics, DriftRecord((1.0,), ((accuracy,),))),
        torch.get_num_threads(),
        0.0,
        now_utc(),
        {},
        node=node_name(),
    )


def instant(job: Job) -> Outcome:
    return outcome(job)


@dataclass(frozen=True)
class Sleeps:
    """Takes `seconds`, times a factor that depends on the candidate when `uneven`."""

    seconds: float
    uneven: bool = False

    def __call__(self, job: Job) -> Outcome:
        factor = 0.5 + 2 * (job.seed % 97) / 97 if self.uneven else 1.0
        time.sleep(self.seconds * factor)
        return outcome(job)


@dataclass(frozen=True)
class Sometimes:
    """Does something terrible to chosen candidates; notes every start as a line of the file `starts`."""

    terrible: Callable[[], None]
    starts: Path
    every: int = 5
    seconds: float = 0.0

    def chosen(self, job: Job) -> bool:
        return job.seed % self.every == 0

    def __call__(self, job: Job) -> Outcome:
        with self.starts.open("a") as file:
            file.write(f"{job.key} {int(self.chosen(job))}\n")
        time.sleep(self.seconds)
        if self.chosen(job):
            self.terrible()
        return outcome(job)


@dataclass
class Gated:
    """Notes every start as a line of the file `starts`, and ends once the file `gate` is there."""

    starts: Path
    gate: Path

    def __call__(self, job: Job) -> Outcome:
        with self.starts.open("a") as file:
            file.write(f"{job.key}\n")
        while not self.gate.exists():
            time.sleep(0.02)
        return outcome(job)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_after_a_while() -> None:
    time.sleep(0.5)
    die()


def segfault() -> None:
    print("about to die", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


def hang_in_python() -> None:
    while True:
        time.sleep(0.05)


def hang_in_native_code() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    while True:
        time.sleep(10)


def deaf_for_a_while() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(15)


def raise_error() -> None:
    raise ValueError("this candidate is <b>cursed</b>")


def allocate() -> None:
    _HOARD.extend(torch.ones(25_000_000) for _ in range(12))  # 1.2 GB in steps: a limit of less ends it
    _HOARD.clear()


@dataclass(frozen=True)
class Breaks:
    """Runs out of memory for chosen candidates; whatever a process evaluates after that fails."""

    every: int = 5

    def __call__(self, job: Job) -> Outcome:
        if _BROKEN:
            raise RuntimeError("this process has run out of memory before")
        if job.seed % self.every == 0:
            _BROKEN.append(job.seed)
            raise MemoryError
        return outcome(job)


class Trains:
    """Makes what every training makes first, and tells in `node` whether torch had to import anything for it."""

    def __call__(self, job: Job) -> Outcome:
        before = set(sys.modules)
        torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), lr=0.1)
        more = sorted(set(sys.modules) - before)
        return replace(outcome(job), node=f"imported {more[:3]}" if more else "all was imported before")


def hoard() -> None:
    raise MemoryError


_HOARD: list[torch.Tensor] = []
_BROKEN: list[int] = []


def a_job(number: int = 0) -> Job:
    return Job(Proposal((8, 3, number), "random"), asked_after=0, position=number, seed=number)


@dataclass(frozen=True)
class HeldOnce:
    """Takes `seconds`; the first start after the file `wanted` is there takes it away, and never ends.

    Notes candidate and process of every start as a line of `pids`, and those of the one that never ends in `held`.
    """

    wanted: Path
    held: Path
    pids: Path
    seconds: float

    def __call__(self, job: Job) -> Outcome:
        start = f"{job.key} {os.getpid()}"
        with self.pids.open("a") as file:
            file.write(f"{start}\n")
        try:
            self.wanted.unlink()  # of several that see it, one succeeds
        except FileNotFoundError:
            time.sleep(self.seconds)
            return outcome(job)
        part = self.held.with_suffix(".part")
        part.write_text(start)
        part.rename(self.held)
        hang_in_python()
        raise AssertionError("nothing ends that")


@dataclass(frozen=True)
class HeldOnNode:
    """Takes `seconds`; once the file `doomed` names the node it is on, it says so in `held` and never ends.

    Notes the node of every start as a line of `nodes`.
    """

    doomed: Path
    held: Path
    nodes: Path
    seconds: float

    def __call__(self, job: Job) -> Outcome:
        import ray

        node = ray.get_runtime_context().get_node_id()
        with self.nodes.open("a") as file:
            file.write(f"{job.key} {node}\n")
        if self.doomed.exists() and self.doomed.read_text() == node:
            self.held.write_text(job.key)
            hang_in_python()
        time.sleep(self.seconds)
        return outcome(job)


@dataclass(frozen=True)
class HoardsOrIsHeld:
    """Runs out of memory for chosen candidates; the others are held where `held` says."""

    held: HeldOnNode
    every: int

    def __call__(self, job: Job) -> Outcome:
        if job.seed % self.every == 0:
            raise MemoryError
        return self.held(job)


@dataclass(frozen=True)
class TellsGpu:
    """Takes `seconds` and gives the GPU that its process may see as its device."""

    seconds: float

    def __call__(self, job: Job) -> Outcome:
        time.sleep(self.seconds)
        return replace(outcome(job), device=f"cuda:{os.environ['CUDA_VISIBLE_DEVICES']}")


def print_and_raise() -> None:
    print("what this evaluation says")
    raise_error()


def print_and_segfault() -> None:
    print("last words, not flushed")
    segfault()


@dataclass(frozen=True)
class Work:
    """What is no trial: it takes `seconds`."""

    key: str
    seconds: float = 0.0
    allowance: float = 1.0


@dataclass(frozen=True)
class Describes:
    """Gives what a worker sees of tensors: sum, whether channels are last, values, shape, whether they are shared."""

    data: dict[str, torch.Tensor]

    def evaluate(self, work: Work) -> Outcome[Work, tuple[object, ...]]:
        x = self.data["x"]
        seen = (
            x.sum().item(),
            x.is_contiguous(memory_format=torch.channels_last),
            self.data["odd"].tolist(),
            tuple(self.data["none"].shape),
            x.is_shared(),
        )
        return Outcome(work, seen, 1, 0.0, now_utc(), {})


def rested(work: Work) -> Outcome[Work, str]:
    """Take as long as `work` says."""
    time.sleep(work.seconds)
    return Outcome(work, work.key, 1, 0.0, now_utc(), {})


class Hangs:
    """Hangs on the first of five candidates, and fails in the same process for ever after."""

    def __init__(self) -> None:
        self.stopped = False

    def __call__(self, job: Job) -> Outcome:
        if self.stopped:
            raise AttributeError("a module that was imported by half")
        if job.seed % 5 == 0:
            self.stopped = True
            hang_in_python()
        return outcome(job)


@dataclass(frozen=True)
class DiesOnce:
    """Ends the process of the work `doomed`, the first time; the file `died` remembers it."""

    died: Path

    def __call__(self, work: Work) -> Outcome[Work, str]:
        if work.key == "doomed" and not self.died.exists():
            self.died.touch()
            die()
        return rested(work)
