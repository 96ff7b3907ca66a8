"""Synthetic runs with the statistics of real ones: what robust networks gain, what drift costs, what fails."""

from __future__ import annotations

from typing import Any

import numpy as np

from analognas.record.trial import DriftRecord, Failure, Trial
from analognas.record.validation import FinalResult, ValidatedNetwork
from analognas.report import ReportData
from analognas.specs.durations import DAY_S, HOUR_S, MONTH_S, SECOND_S, YEAR_S
from analognas.strategies.problem import Objective
from surrogates.kendall import kendall_tau

TIMES = (SECOND_S, HOUR_S, DAY_S, MONTH_S, YEAR_S)
LOSS = np.array([0.0, 0.15, 0.4, 1.0, 1.5])
REASONS = ("training diverged: the loss of epoch 2 is NaN", "the evaluation took longer than 60 s")


def curve(rng: np.random.Generator, accuracy_1s: float, avm: float, spread: float, chips: int) -> DriftRecord:
    mean = accuracy_1s - avm * LOSS
    of_chip = rng.normal(0, 1, chips)
    noise = rng.normal(0, 0.25, (len(TIMES), chips))
    accuracy = mean[:, None] + spread * (0.7 + 0.6 * LOSS[:, None]) * (of_chip + noise)
    # accuracies are counts of 360 test images
    accuracy = np.clip(np.round(accuracy * 360) / 360, 0, 1)
    return DriftRecord(TIMES, tuple(tuple(row) for row in accuracy.tolist()))


def metrics_of(record: DriftRecord, digital: float, parameters: int) -> dict[str, float]:
    accuracy = np.asarray(record.accuracy)
    return {
        "accuracy_1d": float(accuracy[2].mean()),
        "std_1d": float(accuracy[2].std(ddof=1)),
        "avm": float(accuracy[0].mean() - accuracy[3].mean()),
        "accuracy_1s": float(accuracy[0].mean()),
        "digital_accuracy": round(digital * 360) / 360,
        "parameters": float(parameters),
        "macs": float(parameters * 40),
        "tiles": float(max(4, parameters // 4000)),
        "utilisation": 0.21 + 0.3 * min(parameters, 60_000) / 60_000,
    }


def trials(n: int, failed: float = 0.05, seed: int = 0, unlearned: float = 0.04) -> list[Trial]:
    rng = np.random.default_rng(seed)
    n_initial = max(4, n // 3)
    found = []
    for number in range(n):
        initial = number < n_initial
        progress = 0.0 if initial else (number - n_initial) / max(1, n - n_initial)
        oc0, ks0, blocks = int(rng.integers(8, 64)), int(rng.integers(3, 8)), int(rng.integers(1, 4))
        architecture = {
            "OC0": oc0,
            "KS0": ks0,
            "M": blocks,
            "blocks": [
                {
                    "R": int(rng.integers(1, 5)),
                    "B": int(rng.integers(1, 4)),
                    "CT": "ABCD"[int(rng.integers(4))],
                    "WF": int(rng.integers(1, 5)),
                    "skip": bool(rng.random() < 0.8),
                }
                for _ in range(blocks)
            ],
        }
        parameters = int(np.exp(rng.uniform(np.log(3_000), np.log(98_000))))
        quality = 0.95 + 0.012 * np.log10(parameters / 3_000) + 0.012 * progress
        digital = min(0.995, quality + rng.normal(0, 0.012 * (1 - 0.6 * progress)))
        if rng.random() < unlearned and initial:
            digital = 0.11 + 0.3 * rng.random()
        avm = max(0.0, rng.gamma(2.0, 0.008) * (1 - 0.5 * progress))
        failure = None
        record = None
        metrics: dict[str, float] = {}
        predicted: dict[str, float] = {}
        if rng.random() < failed:
            failure = Failure(REASONS[int(rng.random() < 0.3)], "Traceback (most recent call last): …")
        else:
            record = curve(rng, digital - 0.006, avm, 0.004 + 0.2 * avm, 8)
            metrics = metrics_of(record, digital, parameters)
        if not initial:
            expected = metrics or {"accuracy_1d": 0.97, "std_1d": 0.005, "avm": 0.01}
            predicted = {
                "accuracy_1d": expected["accuracy_1d"] + rng.normal(0.002, 0.006),
                "std_1d": abs(expected["std_1d"] + rng.normal(0, 0.002)),
                "avm": expected["avm"] + rng.normal(0, 0.006),
            }
        found.append(
            Trial(
                number=number,
                genotype=(oc0, ks0, blocks, number),
                architecture=architecture,
                origin="latin-hypercube" if initial else "algorithm-1",
                predicted=predicted,
                asked_after=0 if initial else number - number % 6,
                position=number % 6,
                seed=int(rng.integers(2**40)),
                status="completed" if failure is None else "failed",
                metrics=metrics,
                curve=record,
                failure=failure,
                threads=2,
                wall_time_s=float(rng.uniform(2.5, 6.5)),
                finished_at=f"2026-01-15T10:{number // 60 % 60:02d}:{number % 60:02d}+00:00",
                versions={"torch": "2.13.0"},
            )
        )
    return found


def network(
    rng: np.random.Generator,
    name: str,
    architecture: dict[str, Any],
    digital: float,
    avm: float,
    parameters: int,
) -> ValidatedNetwork:
    test = curve(rng, digital - 0.004, avm, 0.004 + 0.2 * avm, 25)
    validation = curve(rng, digital - 0.002, avm, 0.004 + 0.2 * avm, 25)
    return ValidatedNetwork(
        name=name,
        architecture=architecture,
        metrics=metrics_of(test, digital, parameters),
        digital_accuracy={"test": round(digital * 360) / 360, "validation": round(digital * 360) / 360},
        curves={"validation": validation, "test": test},
        training={"digital_epochs": 40, "hardware_aware_epochs": 20, "seed": 3, "seconds": 21.5},
    )


def held_out(measured_trials: list[Trial], rng: np.random.Generator) -> dict[str, Any]:
    noise = {"accuracy_1d": 0.006, "std_1d": 0.002, "avm": 0.006}
    measured = {m: [trial.metrics[m] for trial in measured_trials] for m in noise}
    predicted = {m: [v + float(rng.normal(0, noise[m])) for v in measured[m]] for m in noise}
    return {
        "tau": {m: kendall_tau(measured[m], predicted[m]) for m in noise},
        "trials": len(measured_trials),
        "folds": 10,
        "measured": measured,
        "predicted": predicted,
    }


def report_data(
    n: int = 48, failed: float = 0.05, finished: bool = True, seed: int = 0, name: str = "digits"
) -> ReportData:
    rng = np.random.default_rng(seed + 1)
    made = trials(n, failed, seed)
    upper_bounds = {"parameters": 100_000.0, "avm": 0.03}
    result = None
    if finished:
        usable = [trial for trial in made if trial.metrics and trial.metrics["avm"] <= 0.03]
        best = max(usable, key=lambda trial: trial.metrics["accuracy_1d"])
        parameters = int(best.metrics["parameters"])
        result = FinalResult(
            trial=best.number,
            network=network(rng, "best", dict(best.architecture), 0.988, 0.006, parameters),
            references=(network(rng, "resnet8", {"reference": "resnet8"}, 0.983, 0.022, 78_042),),
            surrogate=held_out([trial for trial in made if trial.metrics], rng),
        )
    return ReportData(
        name=name,
        subject={"task": "digits", "hardware": "pcm-analognas"},
        trials=made,
        result=result,
        upper_bounds=upper_bounds,
        objectives=[Objective("accuracy_1d", 1)],
        choice="best",
        config_text=CONFIG,
        environment={
            "python": "3.11.9",
            "platform": "Linux-6.1.0-x86_64-with-glibc2.36",
            "machine": "x86_64",
            "cpu_count": 2,
            "packages": {"analognas": "0.1.0", "torch": "2.13.0", "xgboost": "3.2.0", "numpy": "2.4.1"},
        },
        command="analognas search configs/digits.yaml --seed 0",
    )


CONFIG = """\
name: digits
seed: 0
task:
  kind: digits
space:
  kind: resnet
  oc0: [8, 64]
hardware:
  preset: pcm-analognas
constraints:
  parameters: 100000
  avm: 0.03
objective: accuracy_1d
search:
  trials: 48
  batch: 6
  strategy:
    kind: surrogate-guided
"""
