"""What a trial does with its data: early stop, augmentation, and the test split that nobody looks at."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

import hwsim
from analognas.compose import Composition, compose
from analognas.config.document import parse_document
from analognas.config.loader import located_in, validate_document
from analognas.evaluation.prepared import prepare
from analognas.evaluation.training import (
    EarlyStop,
    TrainedNetwork,
    calibration_batches,
    on_tiles,
    train_network,
)
from analognas.executors.executor import Job, Measurement
from analognas.record.trial import Failure
from analognas.specs.problems import ConfigError
from analognas.strategies.strategy import Proposal
from analognas.tasks import Split, Task
from tests.analognas.small_search import SMALL, TINY

TRAINING = "training:\n  digital: {epochs: 2, learning_rate: 0.01}\n"


def composition(text: str = SMALL) -> Composition:
    document = parse_document(text, "search.yaml")
    with located_in(document):
        return compose(validate_document(document, Path()))


def job(parts: Composition) -> Job:
    population = parts.problem.space.sample(64, np.random.default_rng(0))
    genotype = population[parts.problem.admissible(population)][0]
    return Job(Proposal(tuple(genotype.tolist()), "test", {}), 0, 0, 1)


def test_a_trial_never_prepares_the_test_split() -> None:
    parts = composition()
    assert isinstance(parts.evaluator.evaluate(job(parts)).result, Measurement)
    assert "test" not in vars(parts.prepared)
    assert len(parts.prepared.test) == len(parts.task.test)


def test_a_hopeless_candidate_is_stopped_and_recorded_as_such() -> None:
    parts = composition()
    budget = dataclasses.replace(parts.evaluator.budget, early_stop=EarlyStop(1, 0.99))
    result = dataclasses.replace(parts.evaluator, budget=budget).evaluate(job(parts)).result
    assert result == Failure("stopped early: validation accuracy below 0.99 after 1 of 2 digital epochs", "")
    easy = dataclasses.replace(parts.evaluator.budget, early_stop=EarlyStop(1, 0.01))
    stopped = dataclasses.replace(parts.evaluator, budget=easy).evaluate(job(parts)).result
    assert stopped == parts.evaluator.evaluate(job(parts)).result


def test_both_sections_reach_the_trial() -> None:
    text = SMALL.replace(
        TRAINING, TRAINING + "  early_stop: {epoch: 1, accuracy: 0.5}\n  augmentation: {crop: 1}\n"
    )
    parts = composition(text)
    assert parts.evaluator.budget.early_stop == EarlyStop(1, 0.5)
    index = torch.arange(32)
    drawn = [parts.prepared.train.draw(index, torch.Generator().manual_seed(s))[0] for s in (0, 1)]
    assert not torch.equal(*drawn)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "early_stop: {epoch: 2, accuracy: 0.5}",
            "`early_stop.epoch < digital.epochs` must hold, got 2 and 2",
        ),
        ("early_stop: {epoch: 1}", "training.early_stop.accuracy: this key is required"),
        ("augmentation: {crop: 8}", r"training.augmentation: `crop < 8` must hold for inputs of 8 x 8"),
        ("augmentation: {flop: true}", "unknown key, did you mean `flip`"),
    ],
)
def test_mistakes_have_their_place(line, message) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        composition(SMALL.replace(TRAINING, f"{TRAINING}  {line}\n"))
    assert str(caught.value).startswith("search.yaml:")


def test_input_ranges_are_calibrated_on_every_class_of_sorted_data() -> None:
    x = torch.arange(1000.0)[:, None, None, None].expand(1000, 1, 2, 2)
    split = Split(x, torch.arange(1000) // 100)
    task = prepare(Task("sorted", split, split, split, tuple(map(str, range(10)))))
    calibrated = torch.cat(calibration_batches(task))
    whole = task.source.standardise(x)
    assert len(calibrated) == 512
    torch.testing.assert_close(calibrated.std(), whole.std(), rtol=0.01, atol=0)


@pytest.fixture(scope="module")
def without_options() -> Measurement:
    parts = composition(TINY)
    return parts.evaluator.evaluate(job(parts)).result


@pytest.mark.parametrize(
    "changes",
    [
        "modifier: device, weight_noise: 1",
        "clip_value: 0.05",
        "learn_scales: true",
        "learn_ranges: true",
        "distillation: {}",
        "distillation: {temperature: 2, teacher_share: 1}",
    ],
)
def test_options_of_hardware_aware_training_reach_the_trial(changes: str, without_options) -> None:
    plain = "  hardware_aware: {epochs: 1}\n"
    assert plain in TINY
    parts = composition(TINY.replace(plain, plain.replace("}", f", {changes}}}")))
    found, again = (parts.evaluator.evaluate(job(parts)).result for _ in range(2))
    assert isinstance(found, Measurement)
    assert found == again
    assert found.curve != without_options.curve


ONE_GAIN = (
    "tile: {rows: 128, columns: 64}, converters: {adc_gain: shared, weight_scaling: layer, adc_bits: 6}"
)
TWO_STAGES = "learn_ranges: true, range_decay: 0.0, freeze_scales: true, clip_sigma: 2.0, weight_noise: 0.1"


def with_one_gain(text: str) -> str:
    return (
        text.replace("tile: {rows: 128, columns: 64}", ONE_GAIN)
        .replace("hardware_aware: {epochs: 1}", f"hardware_aware: {{epochs: 1, {TWO_STAGES}}}")
        .replace("learning_rate: 0.01}", "learning_rate: 0.01, clip_sigma: 2.0}")
    )


def test_both_stages_clip_and_the_learned_gain_reaches_the_chips() -> None:
    parts = composition(with_one_gain(TINY))
    evaluator, budget = parts.evaluator, parts.evaluator.budget
    genotype = job(parts).proposal.genotype

    def trained(**changes: object) -> TrainedNetwork:
        network = evaluator.space.build(genotype)
        return train_network(
            network, parts.prepared, evaluator.hardware, dataclasses.replace(budget, **changes), 0
        )

    found, unclipped = trained(), trained(digital_clip_sigma=None, clip_sigma=None)
    assert found.ranges is not None
    bounds = {layer["out_bound"] for layer in found.ranges["layers"].values()}
    calibrated = on_tiles(found.network, parts.prepared, evaluator.hardware)
    again = on_tiles(found.network, parts.prepared, evaluator.hardware, ranges=found.ranges)
    stored = [hwsim.analog_parameters(net)["layers"] for net in (found.analog, again, calibrated)]
    assert stored[0] == stored[1] != stored[2]
    assert len(bounds) == 1 and {layer["out_bound"] for layer in stored[2].values()} != bounds
    for name, layer in hwsim.to_analog(found.network, evaluator.hardware).named_modules():
        if name in found.ranges["layers"]:
            assert float(layer.weight.detach().abs().max()) <= found.ranges["layers"][name][
                "weight_range"
            ] * (1 + 1e-6)
    spread = [
        max(
            float(weight.detach().abs().max() / weight.detach().std())
            for weight in net.parameters()
            if weight.ndim == 4 and weight.numel() > 500
        )
        for net in (found.network, unclipped.network)
    ]
    assert spread[0] < 2.3 < 2.5 < spread[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALL.replace("{epochs: 1}", "{epochs: 1, freeze_scales: true}"), "needs `.*weight_scaling: layer"),
        (with_one_gain(SMALL).replace("freeze_scales: true", "learn_scales: true"), "needs `.*weight_scaling: column`"),
        (
            SMALL.replace("pcm-analognas", "floating-point").replace("{epochs: 1}", "{epochs: 1, learn_ranges: true}"),
            "`learn_ranges` needs hardware with static input ranges",
        ),
        (
            SMALL.replace("{epochs: 1}", "{epochs: 1, learn_ranges: true}").replace(
                "columns: 64}", "columns: 64}, digital: {kind: fixed-point}"
            ),
            "`learn_ranges` needs `hardware.digital.kind: floating-point`",
        ),
        (SMALL.replace("learning_rate: 0.01}", "learning_rate: 0.01, clip_sigma: 0}"), "clip_sigma: must be > 0"),
    ],
)  # fmt: skip
def test_hardware_must_have_what_is_trained(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        composition(text)


def test_batch_norms_are_trained_as_they_are_and_folded_on_tiles_with_a_fixed_point_unit() -> None:
    tile = "tile: {rows: 128, columns: 64}"
    parts = composition(SMALL.replace(tile, f"{tile}, digital: {{kind: fixed-point}}"))
    evaluator, genotype = parts.evaluator, job(parts).proposal.genotype
    network = evaluator.space.build(genotype)
    names = set(network.state_dict())
    found = train_network(network, parts.prepared, evaluator.hardware, evaluator.budget, 0)
    assert set(found.network.state_dict()) == names
    norms = [
        sum(isinstance(part, torch.nn.BatchNorm2d) for part in net.modules())
        for net in (found.network, found.analog)
    ]
    assert norms[0] > norms[1]
    assert isinstance(evaluator.evaluate(job(parts)).result, Measurement)
