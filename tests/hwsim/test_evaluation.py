"""Any network and any metric on programmed chips."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import hwsim
from hwsim.fused.executor import FusedNetwork
from hwsim.inputs import Inputs
from hwsim.kernels import library as kernels
from tests.hwsim.evaluated import (
    STRUCTURES,
    TIMES,
    Running,
    Structured,
    X,
    Y,
    classifier,
    programmed,
    random_classes,
    random_values,
)


@pytest.fixture(scope="module")
def chips() -> hwsim.Chips:
    return classifier()


def test_outputs_are_what_the_classes_come_from(chips: hwsim.Chips) -> None:
    curve = hwsim.accuracy_over_time(chips, X, Y, TIMES)
    found = list(hwsim.outputs(chips, X, TIMES))
    assert [(one.chip, one.t_s) for one in found] == [
        (c, t) for c in (0, 1) for t in (1.0, 86_400.0, 2_592_000.0)
    ]
    assert curve.times_s == (1.0, 86_400.0, 2_592_000.0)
    for one in found:
        row = curve.times_s.index(one.t_s)
        assert np.array_equal((one.outputs.argmax(1) == Y).numpy(), curve.correct[row, one.chip])
        assert not torch.equal(one.outputs, found[0].outputs) or one is found[0]


@pytest.mark.parametrize("compiled", [True, False])
def test_outputs_depend_neither_on_threads_nor_on_batches(
    chips: hwsim.Chips, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(kernels, "library", lambda: None)
    before, found = torch.get_num_threads(), []
    try:
        for threads, batch_size in ((1, 512), (3, 512), (2, 7)):
            torch.set_num_threads(threads)
            found.append(
                torch.stack([one.outputs for one in hwsim.outputs(chips, X, TIMES, batch_size=batch_size)])
            )
            assert torch.get_num_threads() == threads
        torch.set_num_threads(3)
        left = hwsim.outputs(chips, X, TIMES)
        next(left)
        left.close()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0], found[1])
    assert torch.allclose(found[0], found[2], atol=1e-5)
    assert not found[0].requires_grad


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_outputs_have_the_structure_of_the_network(
    structure: str, compiled: bool, chips: hwsim.Chips, monkeypatch: pytest.MonkeyPatch
) -> None:
    structured = programmed(Structured(structure), X)
    if not compiled:
        monkeypatch.setattr(kernels, "library", lambda: None)
    elif kernels.library() is not None:
        assert FusedNetwork(structured, Inputs((X[:1],))).plan.steps
    wanted = structured.net(X)
    (found,) = (one.outputs for one in hwsim.outputs(structured, X, 1) if one.chip == 0)
    assert type(found) is type(wanted)
    scores = next(hwsim.outputs(chips, X, 1)).outputs
    first = found["scores"] if isinstance(found, dict) else found[0]
    assert torch.allclose(first, scores, atol=1e-5)
    if structure == "with inputs":
        assert torch.equal(found[1], X)
        found[1].zero_()
        assert bool(X.any())
    if structure == "with none":
        assert found[1] is None
    curve = hwsim.evaluate(structured, (X, Y), 1, lambda outputs, y: float(isinstance(outputs, type(wanted))))
    assert curve.values.tolist() == [[1.0, 1.0]]


class Two(nn.Module):
    """Takes two inputs, of which one has a default."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.last = nn.Linear(4, 8), nn.Linear(5, 8), nn.Linear(8, 3)

    def forward(self, left: torch.Tensor, right: torch.Tensor | None = None) -> torch.Tensor:
        h = self.left(left)
        return self.last(F.relu(h if right is None else h + self.right(right)))


def test_a_network_of_several_inputs_takes_them_by_position_or_by_name() -> None:
    other = random_values(40, 5)
    two = programmed(Two())
    if kernels.library() is not None:
        for inputs in (Inputs((X[:1], other[:1])), Inputs((other[:1], X[:1]), ("right", "left"))):
            assert FusedNetwork(two, inputs).plan.steps
    loader = DataLoader([((X[i], other[i]), Y[i]) for i in range(40)], batch_size=7)
    named = {"right": other, "left": X.numpy()}
    found = [
        hwsim.evaluate(two, data, TIMES, "cross-entropy")
        for data in (((X, other), Y), (named, Y), loader, [({"left": X, "right": other}, Y)])
    ]
    assert all(curve == found[0] for curve in found)
    assert found[0] != hwsim.evaluate(two, (X, Y), TIMES, "cross-entropy")
    assert torch.equal(
        next(hwsim.outputs(two, named, 1)).outputs, next(hwsim.outputs(two, ((X, other), Y), 1)).outputs
    )


def test_calibration_takes_what_evaluation_takes() -> None:
    other, ranges = random_values(40, 5), []
    batches = (
        [((X, other), Y)],
        [((X, other),)],
        {"right": other, "left": X},
        DataLoader([((X[i], other[i]), Y[i]) for i in range(40)], batch_size=40),
    )
    for given in batches:
        net = programmed(Two()).net
        hwsim.calibrate(net, given)
        ranges.append(
            [net.left.input_range.item(), net.right.input_range.item(), net.last.input_range.item()]
        )
    assert ranges == [ranges[0]] * 4
    assert ranges[0][:2] == pytest.approx([float(part.abs().max()) for part in (X, other)], rel=0.2)


def test_named_metrics_are_those_of_torch(chips: hwsim.Chips) -> None:
    curves = hwsim.evaluate(chips, (X, Y), TIMES, {"a": "accuracy", "t": "top-2", "ce": "cross-entropy"})
    outputs = [one.outputs for one in hwsim.outputs(chips, X, TIMES) if one.chip == 1]
    for row, scores in enumerate(outputs):
        top = (scores.topk(2, 1).indices == Y[:, None]).any(1).double().mean()
        right, loss = (scores.argmax(1) == Y).double().mean(), F.cross_entropy(scores, Y)
        wanted = [float(right), float(top), float(loss)]
        assert [curve.values[row, 1] for curve in curves.values()] == pytest.approx(wanted, rel=1e-5)
    assert [curve.metric for curve in curves.values()] == ["accuracy", "top-2", "cross-entropy"]
    assert curves["a"] == hwsim.accuracy_over_time(chips, X, Y, TIMES)
    assert curves["t"].avm == pytest.approx(curves["t"].mean[0] - curves["t"].mean[2])
    assert curves["t"].correct.shape == (3, 2, 40)


def test_one_output_is_a_logit() -> None:
    one, y = programmed(nn.Linear(4, 1), X), (X.sum(1) > 0).float()
    curves = hwsim.evaluate(one, (X, y[:, None]), 1, {"a": "accuracy", "ce": "cross-entropy"})
    scores = next(hwsim.outputs(one, X, 1)).outputs
    assert curves["a"].values[0, 0] == pytest.approx(float(((scores[:, 0] > 0) == y.bool()).double().mean()))
    wanted = F.binary_cross_entropy_with_logits(scores[:, 0], y)
    assert curves["ce"].values[0, 0] == pytest.approx(float(wanted), rel=1e-5)
    assert hwsim.accuracy_over_time(one, X, y.long(), 1) == curves["a"]
    squashed = programmed(nn.Sequential(nn.Linear(4, 1), nn.Sigmoid()), X)
    with pytest.warns(UserWarning, match="sigmoid"):
        hwsim.evaluate(squashed, (X, y), 1)


@pytest.mark.parametrize("target", [X[:, :2], X[:, :2].double().numpy()])
def test_errors_of_regression_are_means_over_everything(target: Any) -> None:
    two = programmed(nn.Linear(4, 2), X)
    curves = hwsim.evaluate(two, (X, target), 1, {"mse": "mse", "mae": "mae"})
    outputs = next(hwsim.outputs(two, X, 1)).outputs
    assert curves["mse"].values[0, 0] == pytest.approx(float(F.mse_loss(outputs, X[:, :2])), rel=1e-5)
    assert curves["mae"].values[0, 0] == pytest.approx(float(F.l1_loss(outputs, X[:, :2])), rel=1e-5)
    one = programmed(nn.Linear(4, 1), X)
    assert hwsim.evaluate(one, (X, X[:, 0]), 1, "mse") == hwsim.evaluate(one, (X, X[:, :1]), 1, "mse")


def test_pixels_are_classified_one_by_one() -> None:
    images, masks = random_values(6, 3, 5, 5), random_classes(4, 6, 5, 5)
    net = programmed(nn.Conv2d(3, 4, 3, padding=1), images)
    outputs = next(hwsim.outputs(net, images, 1)).outputs
    assert outputs.is_contiguous()
    curves = hwsim.evaluate(net, (images, masks), 1, {"a": "accuracy", "ce": "cross-entropy", "iou": _iou})
    assert curves["a"].values[0, 0] == pytest.approx(float((outputs.argmax(1) == masks).double().mean()))
    assert curves["ce"].values[0, 0] == pytest.approx(float(F.cross_entropy(outputs, masks)), rel=1e-5)
    assert curves["iou"].values[0, 0] == _iou(outputs, masks)
    assert curves["a"].correct is None


def _iou(outputs: torch.Tensor, masks: torch.Tensor) -> float:
    found, wanted = outputs.argmax(1) == 1, masks == 1
    return float((found & wanted).sum() / (found | wanted).sum())


def test_an_object_gathers_and_is_reset_between_chips(chips: hwsim.Chips) -> None:
    running = Running()
    curve = hwsim.evaluate(chips, (X, Y), TIMES, running)
    assert curve.metric == "Running"
    assert curve.values == pytest.approx(hwsim.accuracy_over_time(chips, X, Y, TIMES).accuracy)
    assert running.calls == ["reset", "update", "compute", "reset"] * 6


def test_a_function_sees_all_items_and_targets_of_any_structure(chips: hwsim.Chips) -> None:
    seen = []

    def both(outputs: torch.Tensor, y: dict[str, torch.Tensor]) -> np.float32:
        seen.append((tuple(outputs.shape), outputs.device.type, sorted(y), len(y["b"])))
        return np.float32(0.25)

    loader = DataLoader([(X[i], {"a": Y[i], "b": X[i]}) for i in range(40)], batch_size=16)
    curve = hwsim.evaluate(chips, loader, 1, both)
    assert seen == [((40, 3), "cpu", ["a", "b"], 40)] * 2
    assert (curve.metric, curve.values.tolist()) == ("both", [[0.25, 0.25]])


def test_every_chip_sees_a_shuffled_loader_in_the_same_order(chips: hwsim.Chips) -> None:
    seen: list[list[int]] = []
    loader = DataLoader(
        TensorDataset(X, torch.arange(40)), 16, shuffle=True, generator=torch.Generator().manual_seed(0)
    )
    hwsim.evaluate(chips, loader, TIMES, lambda outputs, y: float(len(seen.append(y.tolist()) or y)))
    assert seen[0] != sorted(seen[0])
    assert sorted(seen[0]) == list(range(40))
    assert seen == [seen[0]] * 6


def test_embeddings_take_whole_numbers() -> None:
    net = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(12, 3))
    words = random_classes(10, 40, 3)
    embedded = programmed(net, words)
    curves = [hwsim.evaluate(embedded, (w, Y), 1, "cross-entropy") for w in (words, words.int().numpy())]
    assert curves[0] == curves[1]
    if kernels.library() is not None:
        assert FusedNetwork(embedded, Inputs((words[:1],))).plan.steps


def test_adabs_takes_the_inputs_of_the_network() -> None:
    two = programmed(Two())
    given = {"left": X, "right": random_values(40, 5)}
    curve = hwsim.evaluate(two, (given, Y), 1, adabs_inputs=given)
    assert curve == hwsim.evaluate(two, (given, Y), 1)  # there is no batch norm


def test_curves_know_the_numbers_of_their_chips(chips: hwsim.Chips) -> None:
    later = hwsim.evaluate(hwsim.program(chips.net, 1, first=2), (X, Y), TIMES)
    both = hwsim.evaluate(chips, (X, Y), TIMES).join(later)
    assert both.chips == (0, 1, 2)
    assert both == hwsim.evaluate(hwsim.program(chips.net, 3), (X, Y), TIMES)


def test_results_wait_for_who_reads_them(chips: hwsim.Chips, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwsim.inference.WAITING_BYTES", 0)
    many, started = hwsim.program(chips.net, 20), []
    at = hwsim.Chips.at
    monkeypatch.setattr(hwsim.Chips, "at", lambda self, *where: (started.append(where), at(self, *where))[1])
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        results = hwsim.outputs(many, X, 1)
        next(results)
        results.close()
    finally:
        torch.set_num_threads(before)
    assert 1 <= len(started) <= 6  # one to check the kernels, one a thread, one more, and the next


def test_several_metrics_are_a_list_or_have_names() -> None:
    net = hwsim.to_analog(torch.nn.Linear(4, 3), "floating-point")
    chips = hwsim.program(net, n=2)
    x, y = torch.randn(20, 4, generator=torch.Generator().manual_seed(0)), torch.arange(20) % 3
    listed = hwsim.evaluate(chips, (x, y), "1 s", ["accuracy", "top-2"])
    named = hwsim.evaluate(chips, (x, y), "1 s", {"accuracy": "accuracy", "top-2": "top-2"})
    assert list(listed) == ["accuracy", "top-2"]
    assert all((listed[name].values == named[name].values).all() for name in named)
    for wrong, message in (([], "at least one metric"), (["mse", "mse"], "'mse' twice")):
        with pytest.raises(ValueError, match=message):
            hwsim.evaluate(chips, (x, y), "1 s", wrong)
