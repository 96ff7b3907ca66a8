"""Candidates that cannot fit into memory: never built, never trained, and told in a line."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from analognas.evaluation import evaluator as evaluator_module
from analognas.evaluation import memory_need
from analognas.evaluation.memory_need import MemoryNeed
from analognas.executors.executor import Job, Measurement
from analognas.executors.memory import OWN_BOUND
from analognas.record.trial import Failure
from analognas.spaces.specs import ResNetSpec
from analognas.strategies.strategy import Proposal
from search_spaces import genotypes
from search_spaces.cost import layer_table
from tests.analognas.evaluation.test_training_of_candidates import composition, job
from tests.analognas.small_search import SMALL


class Unbuildable:
    """A space of networks so large that no test could build one."""

    def __init__(self, space, parameters: int, macs: int = 10**9) -> None:
        self._space, self._parameters, self._macs = space, parameters, macs

    def __getattr__(self, name: str):
        return getattr(self._space, name)

    def parameters(self, population):
        return np.full(len(population), self._parameters)

    def macs(self, population):
        return np.full(len(population), self._macs)

    def build(self, genotype):
        raise AssertionError("it was built")


def test_a_huge_candidate_fails_with_one_line_and_nothing_is_allocated() -> None:
    parts = composition()
    huge = Unbuildable(parts.problem.space, parameters=10**13)
    outcome = replace(parts.evaluator, space=huge).evaluate(job(parts))
    assert isinstance(outcome.result, Failure)
    assert outcome.result.reason.startswith("too large for memory: it needs about 3.6e+05 GB, this ")
    assert outcome.result.reason.endswith("GB; bound `constraints.parameters`, or lower `evaluation.chips`")
    assert (outcome.result.traceback, outcome.result.reason.count("\n")) == ("", 0)


def test_the_largest_candidate_of_the_whole_space_is_not_trained(monkeypatch) -> None:
    monkeypatch.setattr(memory_need, "usable_memory", lambda: (16 * 10**9, "this machine"))
    parts = composition()
    space = ResNetSpec().build((1, 8, 8), 10)
    population = space.sample(2000, np.random.default_rng(0))
    largest = genotypes(population[[np.argmax(space.parameters(population))]])[0]
    before = torch.get_rng_state()
    result = (
        replace(parts.evaluator, space=space).evaluate(Job(Proposal(largest, "test", {}), 0, 0, 1)).result
    )
    assert isinstance(result, Failure)
    assert "this machine has 16 GB" in result.reason
    assert torch.equal(torch.get_rng_state(), before), "a layer that is built draws its first weights"


def test_activations_count_and_the_network_is_not_trained(monkeypatch) -> None:
    monkeypatch.setattr(memory_need, "usable_memory", lambda: (10**7, OWN_BOUND))
    monkeypatch.setattr(evaluator_module, "train_network", lambda *_: pytest.fail("it was trained"))
    parts = composition(SMALL.replace("digital: {epochs: 2,", "digital: {epochs: 2, batch_size: 1024,"))
    result = parts.evaluator.evaluate(job(parts)).result
    assert isinstance(result, Failure)
    assert result.reason.startswith("out of memory before it began: ")  # tried again with twice as much
    assert "`executor.memory_gb` has 0.01 GB; lower `batch_size` in `training`" in result.reason


def test_what_fits_by_a_rough_bound_is_not_looked_at_layer_by_layer(monkeypatch) -> None:
    monkeypatch.setattr(memory_need, "layer_table", lambda *_: pytest.fail("it was looked at"))
    parts = composition()
    candidate, evaluator = job(parts), parts.evaluator
    monkeypatch.setattr(type(evaluator.space), "build", lambda _, genotype: None)
    times_s = []
    for _ in range(20):
        start = time.process_time()
        evaluator.network(candidate.proposal.genotype)
        times_s.append(time.process_time() - start)
    assert min(times_s) < 0.005
    monkeypatch.undo()
    assert isinstance(parts.evaluator.evaluate(candidate).result, Measurement)


def test_the_estimate_is_below_what_a_digital_step_keeps_and_not_far() -> None:
    parts = composition()
    network = parts.evaluator.network(job(parts).proposal.genotype)
    network.train()
    x, y = parts.prepared.train.draw(torch.arange(64), torch.Generator())
    kept: dict[int, int] = {}
    weights = {weight.data_ptr() for weight in network.parameters()}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        F.cross_entropy(network(x), y)
    budget = parts.evaluator.budget
    digital = replace(budget, hardware_aware=replace(budget.hardware_aware, epochs=0))
    outputs = sum(int(np.prod(layer.output_shape)) for layer in layer_table(network, (1, 8, 8)))
    need = MemoryNeed(digital, chips=0, inputs=64)
    activations = need.n_bytes(0, outputs)
    assert 0.3 * sum(kept.values()) < activations < 1.1 * sum(kept.values())
    assert need.n_bytes(1000, 0) == 4 * 1000 * 4, "weights, gradients and two moments"
    assert MemoryNeed(digital, chips=10, inputs=64).n_bytes(1000, 0) == 4 * 1000 * 23
    assert MemoryNeed(budget, chips=0, inputs=64).n_bytes(1000, 0) == 4 * 1000 * 7
