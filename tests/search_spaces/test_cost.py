"""Costs measured on torch networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from search_spaces import count_network, layer_table


def test_layers_in_the_order_they_run() -> None:
    network = nn.Sequential(
        nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2, bias=False),
        nn.BatchNorm2d(8),
        nn.Flatten(),
        nn.Linear(8 * 4 * 3, 5),
    )
    table = layer_table(network, (4, 8, 6))
    assert [(layer.name, layer.kind, layer.macs, layer.parameters) for layer in table] == [
        ("0", "Conv2d", 8 * 4 * 3 * 2 * 9, 8 * 2 * 9),
        ("3", "Linear", 96 * 5, 96 * 5 + 5),
    ]
    assert table[0].weight_shape == (8, 2, 3, 3)
    assert table[0].output_shape == (8, 4, 3)
    assert count_network(network, (4, 8, 6)) == (144 + 16 + 485, 1728 + 480)


def test_one_dimension_and_layers_used_twice() -> None:
    layer = nn.Conv1d(3, 3, 3, padding=1)
    network = nn.Sequential(layer, layer)
    assert count_network(network, (3, 10)) == (30, 2 * 10 * 27)


def test_a_linear_layer_over_a_sequence_counts_every_position() -> None:
    assert count_network(nn.Linear(6, 4), (7, 6)) == (28, 7 * 24)


def test_the_network_is_left_as_it_was() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    count_network(network, (1, 5, 5))
    assert network.training
    assert not network[0]._forward_hooks
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_an_input_that_does_not_fit() -> None:
    with pytest.raises(RuntimeError):
        count_network(nn.Conv2d(3, 2, 3), (1, 5, 5))


def test_shared_weights_are_counted_once() -> None:
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    second.weight = first.weight
    network = nn.Sequential(first, second)
    assert count_network(network, (4,)) == (16 + 4 + 4, 32)
    assert second.weight is first.weight


def test_frozen_weights_are_not_trainable() -> None:
    network = nn.Sequential(nn.Linear(4, 4).requires_grad_(False), nn.Linear(4, 2))
    assert count_network(network, (4,)) == (10, 24)


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_a_recurrent_layer_has_a_matrix_for_inputs_and_one_for_states(
    kind: type[nn.Module], gates: int
) -> None:
    layer = kind(6, 5, num_layers=2, batch_first=True)
    table = layer_table(layer, (7, 6))
    assert [row.weight_shape for row in table] == [(5 * gates, rows) for rows in (6, 5, 5, 5)]
    assert [row.macs for row in table] == [7 * 5 * gates * rows for rows in (6, 5, 5, 5)]
    assert sum(row.parameters for row in table) == sum(values.numel() for values in layer.parameters())


def test_the_projection_of_an_lstm_is_a_matrix() -> None:
    layer = nn.LSTM(6, 5, batch_first=True, proj_size=2)
    assert [row.weight_shape for row in layer_table(layer, (7, 6))] == [(20, 6), (20, 2), (2, 5)]
    assert count_network(layer, (7, 6))[1] == 7 * (120 + 40 + 10)
