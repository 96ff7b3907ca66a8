"""The space of recurrent and attention blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from search_spaces import SequenceRanges, SequenceSpace, genotypes, initialise, network_cost
from search_spaces.conformance import check_space

FRAMES = SequenceRanges((1, 12, 5), 4, width=(16, 32), entry_width=(16, 24))
TEXT = SequenceRanges((1, 1, 9), 7, symbols=True, strides=(1,), width=(16, 32), entry_width=(16, 24))


@pytest.mark.parametrize(
    "ranges",
    [
        FRAMES,
        TEXT,
        replace(FRAMES, types="GA", heads=(1, 4), blocks=1),
        replace(FRAMES, input_shape=(2, 7, 3), types="L", projections=(1, 2, 4)),
    ],
)
def test_the_space_keeps_its_contract(ranges: SequenceRanges) -> None:
    check_space(SequenceSpace(ranges), np.random.default_rng(0), ranges.input_shape, ranges.n_classes)


@pytest.mark.parametrize("ranges", [FRAMES, TEXT])
def test_costs_are_those_of_the_built_networks(ranges: SequenceRanges) -> None:
    space = SequenceSpace(ranges)
    population = space.sample(60, np.random.default_rng(1))
    parameters, macs = space.parameters(population), space.macs(population)
    for row, genotype in enumerate(genotypes(population)):
        cost = network_cost(space.build(genotype), ranges.input_shape)
        assert (parameters[row], macs[row]) == (cost.parameters, cost.macs)


def test_choices_that_change_nothing_have_one_value() -> None:
    space = SequenceSpace(FRAMES)
    rows = space.sample(300, np.random.default_rng(2))
    changed = rows.copy()
    blocks = FRAMES.of_blocks(changed)
    letters = np.array(list(FRAMES.types))[blocks[:, :, 0]]
    blocks[:, :, 2][letters != "L"] = 1  # a projection
    blocks[:, :, 3][letters != "A"] = 2  # heads
    blocks[:, :, 4][letters == "A"] = 1  # a skip
    blocks[~FRAMES.active(rows)] = 1
    np.testing.assert_array_equal(space.canonical(changed), rows)


def test_a_skip_needs_equal_widths() -> None:
    space = SequenceSpace(FRAMES)
    equal = {"type": "gru", "hidden": 16, "skip": True}
    architecture = {"entry": {"width": 16, "stride": 1}, "blocks": [equal, {**equal, "hidden": 24}]}
    described = space.describe(space.parse(architecture))
    assert [block["skip"] for block in described["blocks"]] == [True, False]


def test_every_type_and_every_gene_is_drawn() -> None:
    rows = SequenceSpace(FRAMES).sample(400, np.random.default_rng(3))
    assert {len(np.unique(column)) > 1 for column in rows.T} == {True}


def test_a_step_of_a_text_sees_the_past_alone() -> None:
    space = SequenceSpace(TEXT)
    for genotype in genotypes(space.sample(12, np.random.default_rng(4))):
        network = space.build(genotype).eval()
        text = torch.randint(TEXT.n_classes, (2, 1, 1, 9), generator=torch.Generator().manual_seed(0))
        other = text.clone()
        other[..., 5:] = (other[..., 5:] + 1) % TEXT.n_classes
        with torch.no_grad():
            first, second = network(text.float()), network(other.float())
        assert first.shape == (2, 7, 9)
        torch.testing.assert_close(first[..., :5], second[..., :5])
        assert not torch.allclose(first[..., 5:], second[..., 5:])


def test_attention_knows_the_order_of_steps() -> None:
    space = SequenceSpace(replace(FRAMES, types="A", blocks=1, strides=(1,)))
    network = space.build(space.sample(1, np.random.default_rng(5))[0].tolist()).eval()
    x = torch.randn(3, 1, 12, 5, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert not torch.allclose(network(x), network(x.flip(2)), atol=1e-3)


def test_strides_leave_out_the_last_frames_alone() -> None:
    space = SequenceSpace(replace(FRAMES, input_shape=(1, 11, 5), types="G", blocks=1))
    architecture = {
        "entry": {"width": 16, "stride": 4},
        "blocks": [{"type": "gru", "hidden": 16, "skip": False}],
    }
    network = space.build(space.parse(architecture)).eval()
    x = torch.randn(2, 1, 11, 5, generator=torch.Generator().manual_seed(2))
    other = x.clone()
    other[:, :, 8:] += 1.0
    with torch.no_grad():
        assert torch.equal(network(x), network(other))
        other[:, :, 7] += 1.0
        assert not torch.equal(network(x), network(other))


def test_recurrent_layers_and_embeddings_are_drawn_from_the_generator() -> None:
    network = SequenceSpace(TEXT).build(SequenceSpace(TEXT).sample(3, np.random.default_rng(6))[2].tolist())
    draws = []
    for seed in (0, 0, 1):
        initialise(network, torch.Generator().manual_seed(seed))
        draws.append([values.clone() for values in network.parameters() if values.ndim > 1])
    assert all(torch.equal(one, two) for one, two in zip(draws[0], draws[1], strict=True))
    assert not any(torch.equal(one, two) for one, two in zip(draws[0], draws[2], strict=True))
    for layer in network.modules():
        if isinstance(layer, nn.LSTM | nn.GRU):
            assert (
                max(float(values.detach().abs().max()) for values in layer.parameters())
                <= layer.hidden_size**-0.5
            )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_shape": (1, 0, 5)}, r"`input_shape` must be \(channels, steps, features\)"),
        ({"symbols": True}, r"of symbols must be \(1, 1, steps\), got \(1, 12, 5\)"),
        ({"n_classes": 0}, "`n_classes >= 1` must hold, got 0"),
        ({"width": (12, 32)}, r"`width` must be .* multiples of `width_step` 8, got \(12, 32\)"),
        ({"types": "AL"}, "`types` must be some of the letters LGA in this order, got 'AL'"),
        ({"heads": (4, 2)}, r"`heads` must be whole numbers from 1, ascending, each once, got \(4, 2\)"),
        ({"projections": (2,)}, r"`projections` must begin with 1, which is none, got \[2\]"),
        ({"projections": (1, 3)}, "`projections` must divide `width_step` 8, got 3"),
        ({"heads": (1, 8)}, "`heads` must divide every width that a block can see, .* = 4, got 8"),
        ({"strides": (1, 16)}, "`strides` must be at most the 12 frames, got 16"),
    ],
)
def test_choices_that_no_network_can_have_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(FRAMES, **change)


def test_strides_of_a_text_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`strides` must be 1 alone for symbols, got \(1, 2\)"):
        replace(TEXT, strides=(1, 2))


GOOD = {"entry": {"width": 16, "stride": 2}, "blocks": [{"type": "gru", "hidden": 16, "skip": True}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blocks": []}, "`blocks` must be a list of 1 to 3 blocks"),
        ({"blocks": [3]}, r"`blocks\[0\]` must be a mapping with the key `type`, got 3"),
        ({"blocks": [{"type": "rnn"}]}, r"`blocks\[0\].type` must be one of lstm, gru, attention, got 'rnn'"),
        (
            {"blocks": [{"type": "gru", "hidden": 16}]},
            "must have exactly the keys type, hidden, skip: missing skip",
        ),
        (
            {"blocks": [{"type": "gru", "hidden": 17, "skip": True}]},
            r"`blocks\[0\].hidden` must be a multiple of 8 from 16 to 32, got 17",
        ),
        (
            {"blocks": [{"type": "gru", "hidden": 16, "skip": 1}]},
            r"`blocks\[0\].skip` must be true or false, got 1",
        ),
        ({"entry": {"width": 16}}, "`entry` must have exactly the keys width, stride: missing stride"),
        ({"entry": {"width": 16, "stride": 3}}, "`entry.stride` must be one of 1, 2, 4, got 3"),
    ],
)
def test_an_architecture_outside_the_space_is_named(change: dict[str, Any], message: str) -> None:
    space = SequenceSpace(FRAMES)
    assert space.describe(space.parse(GOOD)) == GOOD
    with pytest.raises(ValueError, match=message):
        space.parse({**GOOD, **change})
