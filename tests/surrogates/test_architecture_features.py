"""Features that follow from layers alone, against networks that can be counted by hand."""

import numpy as np
import pytest

import hwsim
from search_spaces.layer_graph import GraphBuilder
from search_spaces.staged import StagedRanges, StagedSpace
from surrogates.architecture_features import FEATURES, architecture_features, weight_error


def two_layers(fan_in: int, width: int = 8):
    graph = GraphBuilder(1)
    first = graph.layer(fan_in, width, 64)
    graph.layer(width, 10, 1, sources=[(first, 64)])
    return graph.built()


def test_two_layers_by_hand() -> None:
    row = architecture_features(two_layers(27)).iloc[0]
    assert row["layers"] == 2
    assert np.exp(row["log_weights"]) == pytest.approx(27 * 8 + 8 * 10, rel=1e-5)
    assert np.exp(row["log_macs"]) == pytest.approx(27 * 8 * 64 + 8 * 10, rel=1e-5)
    assert np.exp(2 * row["log_mean_fan_in"]) == pytest.approx(27 * 8, rel=1e-5)
    assert np.exp(row["log_narrowest"]) == pytest.approx(8)
    assert np.exp(row["log_last_positions"]) == pytest.approx(64)
    assert np.exp(row["log_reduction"]) == pytest.approx(8)  # 64 over the geometric mean of 64 and 1
    assert row["depth_to_width"] == pytest.approx(2 / np.sqrt(80), rel=1e-5)


def test_a_network_of_one_layer_has_no_width_but_that_of_the_last() -> None:
    graph = GraphBuilder(2)
    first = graph.layer(27, 8, 64, copies=np.array([0, 1]))
    graph.layer(12, 10, 1, sources=[(first, 64)])
    found = architecture_features(graph.built(), hwsim.preset("ideal-8bit"))
    assert np.isfinite(found.to_numpy()).all()
    assert found[["layers", "log_narrowest", "log_widest"]].iloc[0].tolist() == [1, 0, 0]
    assert np.exp(found["log_narrowest"].iloc[1]) == pytest.approx(8)


class Broken:
    """A device that reads nothing."""

    g_min_us, g_max_us = 0.0, 10.0

    def program(self, g_target_us, generator):
        return {"g_us": g_target_us}

    def read(self, state, t_s, generator):
        return state["g_us"] * np.nan


def test_what_is_not_finite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"`shares` must be finite, got nan in parameters of network 0"):
        architecture_features(two_layers(27), shares={"parameters": np.array([np.nan])})
    monkeypatch.setattr(hwsim.Hardware, "build_device", lambda self: Broken())
    other = hwsim.preset("ideal-8bit").replace({"name": "with a device that reads nothing"})
    with pytest.raises(
        ValueError, match=r"must hold finite weights a day after programming, got an error of nan"
    ):
        architecture_features(two_layers(27), other)


def test_noise_follows_the_formula_where_only_outputs_are_noisy() -> None:
    hardware = hwsim.preset("ideal-8bit").replace(
        {"converters.dac_bits": None, "converters.adc_bits": None, "mvm.output_noise": 0.1, "tile.rows": 100}
    )
    row = architecture_features(two_layers(250, 50), hardware).iloc[0]
    signal = 250 / (2 * np.log(500)) / 18
    assert np.exp(row["log_nsr_first"]) == pytest.approx(
        3 * 0.1**2 / signal, rel=1e-3
    )  # three tiles a column
    last = 0.1**2 / (50 / (2 * np.log(100)) / 18)
    assert np.exp(row["log_nsr_last"]) == pytest.approx(last, rel=1e-3)
    assert np.exp(row["log_nsr_worst"]) == pytest.approx(max(last, np.exp(row["log_nsr_first"])), rel=1e-3)


def test_every_feature_has_a_meaning_and_is_finite_in_a_whole_space() -> None:
    space = StagedSpace(StagedRanges((3, 32, 32), 10))
    population = space.sample(300, np.random.default_rng(0))
    share = space.parameters(population) / 50_000
    found = architecture_features(
        space.layer_graph(population), hwsim.preset("pcm-hermes-2"), {"parameters": share}
    )
    assert list(found.columns) == [*FEATURES, "log_share_parameters"]
    assert np.isfinite(found.to_numpy()).all()
    matrices = space.matrices(population)
    assert np.exp(found["log_weights"].to_numpy()) == pytest.approx(matrices.weights, rel=1e-4)
    assert np.exp(found["log_macs"].to_numpy()) == pytest.approx(matrices.macs, rel=1e-4)


def test_a_noisier_device_holds_weights_worse() -> None:
    assert weight_error(hwsim.preset("ideal-8bit")) < 1e-3
    pcm = hwsim.preset("pcm-hermes-2")
    assert 0.01 < weight_error(pcm) < weight_error(pcm.replace({"device.programming_noise_scale": 3.0}))
