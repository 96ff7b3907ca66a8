"""Known architectures first: given ones, then references that the space has."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analognas.spaces.specs import NasBench201Spec
from analognas.strategies import Objective
from analognas.strategies.problem import SearchProblem
from analognas.strategies.random import RandomSearch
from analognas.strategies.start_from import StartFrom, given_candidate, known_first, reference_candidate
from analognas.strategies.strategy import History, Proposal
from search_spaces import ResNetSpace, count_network, published, published_network

SHAPE = (3, 32, 32)


def problem(bounds: dict[str, float] | None = None, **ranges: Any) -> SearchProblem:
    return SearchProblem(ResNetSpace(SHAPE, 10, **ranges), Objective("accuracy_1d", 1), bounds or {})


def test_references_come_after_the_given_and_none_twice() -> None:
    space = problem()
    given = given_candidate(space, "analognas-cifar10-t100")
    references = ("ds-cnn", "analognas-cifar10-t100", "resnet8", "resnet32")
    known = known_first(space, [given], references)
    assert [proposal.origin for proposal in known] == ["given", "reference", "reference"]
    assert [proposal.genotype for proposal in known] == [
        given,
        reference_candidate(space, "resnet8"),
        reference_candidate(space, "resnet32"),
    ]


def test_a_reference_that_the_search_cannot_have_is_left_out() -> None:
    assert reference_candidate(problem(), "ds-cnn") is None
    assert reference_candidate(problem(oc0=(8, 12)), "resnet8") is None
    assert reference_candidate(problem({"parameters": 78_041}), "resnet8") is None
    assert reference_candidate(problem({"parameters": 78_042}), "resnet8") is not None
    assert reference_candidate(problem({"macs": 1e6}), "resnet8") is None
    assert reference_candidate(problem(max_width=32), "resnet8") is None
    cells = NasBench201Spec().build(SHAPE, 10)
    assert reference_candidate(replace(problem(), space=cells), "resnet8") is None


def test_a_space_that_stumbles_over_an_architecture_has_no_such_candidate(monkeypatch) -> None:
    def parse(_: ResNetSpace, __: object) -> tuple[int, ...]:
        raise AttributeError("who wrote this?")

    monkeypatch.setattr(ResNetSpace, "parse", parse)
    assert reference_candidate(problem(), "resnet8") is None


def test_the_first_trial_of_resnet8_costs_what_the_counterpart_does() -> None:
    space = problem().space
    genotype = reference_candidate(problem(), "resnet8")
    assert genotype is not None
    network = space.build(genotype)
    assert count_network(network, SHAPE)[1] == count_network(published("resnet8", SHAPE, 10), SHAPE)[1]
    assert space.describe(genotype) == published_network("resnet8").counterpart


@pytest.mark.parametrize("n", [1, 2, 5])
def test_they_are_asked_for_once_and_first(n: int) -> None:
    searched = problem(m=(1, 3))
    known = known_first(searched, [], ("resnet8", "analognas-cifar10-t100"))
    strategy = StartFrom(known, RandomSearch())
    genes = searched.space.sample(1, np.random.default_rng(0)).shape[1]
    none = np.zeros((0, genes), dtype=np.int64)
    history = History(none, pd.DataFrame({"accuracy_1d": []}), none)
    proposals = strategy.ask(searched, history, n, np.random.default_rng(0))
    assert proposals[:2] == list(known)[:n]
    assert len({proposal.genotype for proposal in proposals}) == len(proposals) == n
    pending = np.array([proposal.genotype for proposal in known], dtype=np.int64)
    later = strategy.ask(searched, replace(history, pending=pending), n, np.random.default_rng(0))
    assert not {proposal.genotype for proposal in later} & {proposal.genotype for proposal in known}
    assert all(isinstance(proposal, Proposal) for proposal in later)
