"""What evaluation refuses: metrics, outputs and data."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import hwsim
from tests.hwsim.evaluated import (
    Running,
    Structured,
    X,
    Y,
    classifier,
    programmed,
)


@pytest.fixture(scope="module")
def chips() -> hwsim.Chips:
    return classifier()


class Varying(nn.Module):
    """Changes its outputs from one pass to the next."""

    def __init__(self, how: Callable[[torch.Tensor, int], torch.Tensor]) -> None:
        super().__init__()
        self.layer, self.how = nn.Linear(4, 3), how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.how(self.layer(x), len(x))


def _varying(how: Callable[[torch.Tensor, int], torch.Tensor]) -> Any:
    return lambda _: hwsim.evaluate(programmed(Varying(how), X[:4]), (X, Y), 1, batch_size=16)


def _measured(metric: Any) -> Any:
    return lambda chips: hwsim.evaluate(chips, (X, Y), 1, metric)


def _given(data: Any, metric: Any = "accuracy") -> Any:
    return lambda chips: hwsim.evaluate(chips, data, 1, metric)


def _images() -> Any:
    return lambda _: hwsim.evaluate(programmed(nn.Conv2d(3, 4, 1)), (torch.ones(2, 3, 5, 5).byte(), Y[:2]), 1)


def _returned(result: Callable[[torch.Tensor], Any]) -> Any:
    return lambda _: next(hwsim.outputs(programmed(Varying(lambda y, n: result(y))), X, 1))


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "metric: nan": (_measured(lambda o, y: float("nan")), ValueError, "finite, got nan on chip 0 at 1 s"),
    "metric: endless": (_measured(lambda o, y: o.sum() / 0), ValueError, "finite, got -?inf on chip 0"),
    "metric: several": (_measured(lambda o, y: o), ValueError, r"one number, got 120 values of shape \(40, 3\)"),
    "metric: none": (_measured(lambda o, y: None), TypeError, "one number, got None on chip 0"),
    "metric: text": (_measured(lambda o, y: "0.5"), TypeError, "one number, got '0.5'"),
    "metric: text of numpy": (_measured(lambda o, y: np.str_("0.5")), TypeError, "one number, got np.str_"),
    "metric: true": (_measured(lambda o, y: True), TypeError, "one number, got True"),
    "metric: complex": (_measured(lambda o, y: 1j), TypeError, "one number, got 1j"),
    "metric: a mapping": (_measured(lambda o, y: {"f": 1}), TypeError, "got dict.*mapping of names to metrics"),
    "metric: misspelt": (_measured("acuracy"), ValueError, r"`metric`.*got 'acuracy', did you mean accuracy\?"),
    "metric: a number": (_measured(3), TypeError, "`metric` must be a name, .*got 3"),
    "metric: a class": (_measured(Running), TypeError, r"`metric` must be an object.*call it, Running\(\)"),
    "metric: nothing": (_measured({}), ValueError, "`metric` must have at least one"),
    "metric: a number as name": (_measured({3: "accuracy"}), TypeError, "names of metrics.*got 3"),
    "metric: too many classes": (_measured("top-5"), ValueError, r"at least 5 classes, got outputs \(8, 3\)"),
    "metric: another shape": (_measured("mse"), ValueError, r"`y`.*\(items, 3\), got \(40,\)"),
    "outputs: another type": (
        _varying(lambda y, n: y.double() if n == 13 else y), ValueError, r"keep structure.*float64 for 13 items after",
    ),
    "outputs: another shape": (_varying(lambda y, n: y[:, :2] if n == 13 else y), ValueError, r"got \(13, 2\) torch"),
    "outputs: fewer": (_varying(lambda y, n: y[:-1] if n == 13 else y), ValueError, r"got \(12, 3\) .*for 13 items"),
    "outputs: a loss": (_returned(lambda y: (y, y.mean())), ValueError, r"got \(\) in outputs\[1\] for 8 items"),
    "outputs: a number": (_returned(lambda y: {"y": y, "n": 1.0}), ValueError, r"got 1.0 in outputs\['n'\]"),
    "outputs: nothing": (_returned(lambda y: None), ValueError, "at least one tensor, got none"),
    "outputs: accuracy of two": (
        lambda _: hwsim.evaluate(programmed(Structured("tuple")), (X, Y), 1), ValueError, "of outputs, got tuple",
    ),
    "data: fewer targets": (_given((X, Y[:-1])), ValueError, "same length, at least 1, got 40 and 39"),
    "data: none of a loader": (_given(DataLoader(TensorDataset(X[:0], Y[:0]))), ValueError, "at least one batch"),
    "data: an empty batch": (_given([(X[:0], Y[:0])]), ValueError, r"`data\[0\]\[1\]`.*got 0 and 0"),
    "data: no targets": (_given(X), ValueError, r"`data` must be `\(x, y\)`, got no `y`"),
    "data: a list of two": (_given([X, Y]), ValueError, r"`data\[0\]`.*a tuple, \(x, y\), is all the data"),
    "data: three": (_given((X, X, Y)), ValueError, r"got 3 parts: several inputs are one part, \(\(x1, x2\), y\)"),
    "data: a Dataset": (_given(TensorDataset(X, Y)), TypeError, r"got TensorDataset: torch.utils.data.DataLoader\("),
    "data: a word": (_given("xy"), TypeError, "`data` must be.*got 'xy'"),
    "data: ragged": (_given([(X, Y), (X[:, :2], Y)]), ValueError, r"got \(items, 2\).*`data\[1\]` after \(items, 4\)"),
    "data: types": (_given([(X, Y), (X, Y.float())]), ValueError, "same structure, shapes and types"),
    "data: nan in a batch": (_given([(X, Y), (X * float("nan"), Y)]), ValueError, r"`data\[1\]\[0\]` .*finite"),
    "data: no name": (_given(({3: X}, Y)), TypeError, "keys of `x`.*got 3"),
    "data: another name": (_given(({"input": X, "b": X}, Y)), ValueError, r"`x`.*got input \(8, 4\).*keyword"),
    "data: inputs of two lengths": (_given(((X, X[:3]), Y)), ValueError, r"same length, got \[40, 3\]"),
    "data: no inputs": (_given(((), Y)), ValueError, "at least one tensor, got an empty tuple"),
    "data: bytes": (_images(), ValueError, r"torch.uint8: .*x.float\(\), scaled as in training"),
    "data: targets of words": (_given((X, ["a"] * 40)), TypeError, "`y`.*got list: torch.as_tensor"),
    "outputs: progress": (lambda c: hwsim.outputs(c, X, 1, progress="no"), TypeError, "`progress`.*got 'no'"),
    "outputs: times": (lambda c: hwsim.outputs(c, X, "1 dya"), ValueError, "`times_s`.*got '1 dya'"),
    "outputs: chips": (lambda c: hwsim.outputs(c.net, X, 1), TypeError, "`chips`.*got Sequential"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(case: str, chips: hwsim.Chips) -> None:
    wrong, kind, words = WRONG[case]
    with pytest.raises(kind, match=words) as caught:
        wrong(chips)
    assert caught.type is kind
    assert "\n" not in str(caught.value)


def test_an_error_of_a_metric_says_where(chips: hwsim.Chips) -> None:
    def broken(outputs: torch.Tensor, y: torch.Tensor) -> float:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        hwsim.evaluate(chips, (X, Y), "1 day", broken)
    assert "`broken`" in caught.value.__notes__[0]
    assert "chip 0 at 1 day" in caught.value.__notes__[0]


def test_data_without_end_are_refused_before_memory_is_full(
    chips: hwsim.Chips, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless() -> Any:
        nonlocal n_read
        while True:
            n_read += 1
            yield X, Y

    n_read = 0
    monkeypatch.setattr("hwsim.memory.available_bytes", lambda: 100_000)
    with pytest.raises(ValueError, match=r"`data` must end.*batches.*itertools\.islice\(data, n\)") as caught:
        hwsim.evaluate(chips, endless(), 1)
    assert "\n" not in str(caught.value)
    assert n_read == 40  # of 1,024 bytes at least each
    monkeypatch.setattr("hwsim.memory.available_bytes", lambda: 100)
    with pytest.raises(ValueError, match=r"outputs of one chip at one time must fit.*got 0\.48 kB"):
        next(hwsim.outputs(chips, X, 1))
    assert hwsim.evaluate(chips, (X, Y), 1).values.shape == (1, 2)  # keeps no outputs
