from __future__ import annotations

import pytest
import torch
from torch import nn

from analognas.export.standardised import Standardised


def test_normalises_each_channel_with_its_own_statistics() -> None:
    x = torch.randn(6, 3, 4, 5) * torch.tensor([1.0, 5.0, 0.1])[:, None, None] + 2
    model = Standardised(nn.Identity(), x.mean((0, 2, 3)), x.std((0, 2, 3)), (3, 4, 5))
    y = model(x)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.std((0, 2, 3)), torch.ones(3))


@pytest.mark.parametrize("input_shape", [(5,), (5, 7), (5, 2, 3)])
def test_one_value_serves_every_channel_of_any_input_shape(input_shape: tuple[int, ...]) -> None:
    model = Standardised(nn.Identity(), [1.0], [2.0], input_shape)
    assert torch.equal(model(torch.full((3, *input_shape), 5.0)), torch.full((3, *input_shape), 2.0))


def test_statistics_travel_with_the_state() -> None:
    state = Standardised(nn.Linear(2, 2), [1.0, 2.0], [3.0, 4.0], (2,)).state_dict()
    assert state["mean"].tolist() == [1.0, 2.0]
    assert state["std"].tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    ("mean", "std", "shape", "message"),
    [
        ([0.0, 1.0], [1.0], (3, 2, 2), "one for each channel"),
        ([0.0], [0.0], (3, 2, 2), "`std > 0` must hold"),
        ([0.0], [-1.0], (3, 2, 2), "`std > 0` must hold"),
        ([float("nan")], [1.0], (3, 2, 2), "`mean` must be finite"),
        ([0.0], [float("inf")], (3,), "`std` must be finite"),
        ([0.0], [1.0], (), "`input_shape`"),
        ([0.0], [1.0], (0, 4), "`input_shape`"),
    ],
)
def test_unusable_statistics_are_refused(
    mean: list[float], std: list[float], shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Standardised(nn.Identity(), mean, std, shape)


def test_statistics_by_band_broadcast_over_the_rows() -> None:
    mean, std = torch.tensor([[[1.0, 2.0, 3.0]]]), torch.tensor([[[1.0, 2.0, 4.0]]])
    model = Standardised(nn.Flatten(), mean, std, (1, 2, 3))
    x = torch.arange(6.0).view(1, 1, 2, 3)
    torch.testing.assert_close(model(x), ((x - mean) / std).flatten(1))
    assert tuple(model.mean.shape) == (1, 1, 3)
    with pytest.raises(ValueError, match="one value or one for each"):
        Standardised(nn.Flatten(), torch.zeros(1, 1, 2), torch.ones(1), (1, 2, 3))
