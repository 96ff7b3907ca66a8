"""What each layer of a found network costs in accuracy on chips, measured once and kept in the run directory."""

from __future__ import annotations

from typing import Final

import torch

import hwsim
from analognas.compose import final_task
from analognas.errors import UserError
from analognas.evaluation.evaluator import chip_seed
from analognas.evaluation.prepared import prepare
from analognas.progress.observer import Observer
from analognas.record.directory import RunDirectory, write_atomically
from analognas.record.layer_sensitivity import LayerLoss, LayerSensitivity
from analognas.runs.architecture_file import read_architecture
from analognas.runs.chips import chips_of
from analognas.specs.durations import DAY_S

CHIPS: Final = 10
_MOST_IMAGES: Final = 2000
"""Test images that are classified: each chip does it once for each layer."""


def measure_sensitivity(run: RunDirectory, observer: Observer) -> LayerSensitivity:
    """Measure one layer at a time on chips a day after programming, and write `sensitivity.json`.

    Args:
        run: with a best network.
        observer: hears that it takes a while.

    Raises:
        UserError: when the run has not ended, its files do not fit, or the result cannot be written.
    """
    if run.final_result() is None:
        raise UserError(
            f"{run.path}: there is no best network to measure yet; `analognas resume {run.path}` ends it"
        )
    content = read_architecture(run.best / "architecture.json", run.objects).content
    torch.set_num_threads(content.threads)
    net = chips_of(run.best, 1, None, None, run.objects).net
    task = final_task(
        prepare(content.task.build(), content.training.augmentation.augmentation()), content.final
    )
    test = task.test.x[:_MOST_IMAGES], task.test.y[:_MOST_IMAGES]
    observer.stage(f"measuring the sensitivity of each layer, {CHIPS} chips, {len(test[0]):,} test images")
    try:
        found = hwsim.sensitivity(net, test, DAY_S, chips=CHIPS, seed=chip_seed(content.seed), progress=False)
    except (ValueError, TypeError) as error:
        raise UserError(str(error)) from None
    record = LayerSensitivity(
        layers=tuple(map(_loss, found.layers)),
        whole=_loss(found.whole),
        ideal=found.ideal,
        t_s=found.t_s,
        chips=CHIPS,
        split="test",
    )
    try:
        write_atomically(run.sensitivity, record.to_json())
    except OSError as error:
        raise UserError(f"{run.sensitivity}: cannot be written: {error.strerror}") from None
    return record


def _loss(cost: hwsim.LayerCost) -> LayerLoss:
    return LayerLoss(cost.layer, cost.share_of_weights, cost.cost, cost.low, cost.high)
