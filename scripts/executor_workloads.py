"""What `bench_executor.py` lets executors evaluate: nothing, a second of sleep, made-up and real trainings."""

from __future__ import annotations

import time

import numpy as np

from analognas.executors.executor import Job, Measurement, Outcome, now_utc
from analognas.record.environment import package_versions
from analognas.record.trial import DriftRecord
from analognas.spaces import complete
from analognas.strategies.problem import Objective, SearchProblem
from search_spaces import ResNetSpace

CHIPS, TIMES_S = 8, (1.0, 3600.0, 86400.0, 2592000.0, 31536000.0)


def problem() -> SearchProblem:
    space = ResNetSpace(input_shape=(3, 32, 32), n_classes=10)
    return SearchProblem(complete(space, (3, 32, 32)), Objective("accuracy_1d", 1), {"parameters": 1_000_000})


def measure(job: Job) -> Outcome:
    """A made-up measurement as large as a real one."""
    genes = np.array(job.proposal.genotype, dtype=np.float64)
    rng = np.random.default_rng(job.seed)
    accuracy = float(0.9 - 0.02 * np.abs(np.tanh(genes[:12] / 5 - 0.6)).sum() + 0.002 * rng.standard_normal())
    chips = accuracy + 0.01 * rng.standard_normal((len(TIMES_S), CHIPS))
    metrics = {
        "accuracy_1d": accuracy,
        "std_1d": 0.01,
        "avm": 0.02,
        "accuracy_1s": accuracy,
        "digital_accuracy": accuracy,
        "parameters": float(genes.sum()),
        "macs": 1e6,
        "tiles": 9.0,
        "utilisation": 0.5,
    }
    curve = DriftRecord(TIMES_S, tuple(map(tuple, chips.tolist())))
    return Outcome(job, Measurement(metrics, curve), 1, 0.0, now_utc(), package_versions())


def do_nothing(job: Job) -> Outcome:
    accuracy = 0.5 + job.seed % 1000 / 2000
    metrics = dict.fromkeys(
        ("std_1d", "avm", "accuracy_1s", "digital_accuracy", "parameters", "macs", "tiles", "utilisation"),
        0.01,
    )
    curve = DriftRecord((1.0,), ((accuracy,),))
    return Outcome(job, Measurement({**metrics, "accuracy_1d": accuracy}, curve), 1, 0.0, now_utc(), {})


def sleep_1_s(job: Job) -> Outcome:
    time.sleep(1.0)
    return do_nothing(job)


class Train:
    """A real training of a small network, on random images and one thread."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def __call__(self, job: Job) -> Outcome:
        """Train."""
        import torch
        from torch.nn import functional as F

        torch.set_num_threads(1)
        generator = torch.Generator().manual_seed(0)
        x, y = torch.randn(2048, 3, 16, 16, generator=generator), torch.arange(2048) % 10
        network = torch.nn.Sequential(
            torch.nn.Conv2d(3, 32, 3),
            torch.nn.ReLU(),
            torch.nn.Conv2d(32, 32, 3),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
            torch.nn.Linear(32, 10),
        )
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
        for _ in range(self.epochs):
            for inputs, labels in zip(x.split(128), y.split(128), strict=True):
                optimizer.zero_grad()
                F.cross_entropy(network(inputs), labels).backward()
                optimizer.step()
        return do_nothing(job)
