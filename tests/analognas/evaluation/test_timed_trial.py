"""How long evaluations take, from a few updates."""

from dataclasses import replace

import pytest
import torch

from analognas.errors import EvaluationError
from analognas.evaluation.timed_trial import TrialTime, time_trial
from tests.analognas.evaluation.test_memory_need import Unbuildable
from tests.analognas.evaluation.test_training_of_candidates import composition, job


def test_the_time_of_an_evaluation_is_the_sum_of_its_parts() -> None:
    budget = composition().evaluator.budget
    parts = TrialTime(
        build_s=1,
        digital_update_s=10,
        hardware_aware_update_s=100,
        mapping_s=1000,
        image_s=0.5,
        program_s=10_000,
        read_s=20_000,
        chip_image_s=0.25,
    )
    digital = replace(budget, hardware_aware=replace(budget.hardware_aware, epochs=0))
    # 2 epochs of 34 updates; 8 images twice; 3 chips at 2 times
    chips = 3 * (10_000 + 2 * (20_000 + 2))
    assert parts.seconds(digital, 1078, 8, chips=3, times=2) == 1 + 68 * 10 + 1000 + 8 + chips
    assert parts.seconds(budget, 1078, 8, chips=3, times=2) == 1 + 68 * 10 + 34 * 100 + 2000 + 8 + chips


def test_a_few_updates_tell_what_a_trial_takes_and_draw_nothing() -> None:
    parts = composition()
    candidate = job(parts)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    timed = time_trial(parts.evaluator, candidate.proposal.genotype)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert len(parts.prepared.train) == len(parts.task.train)
    outcome = parts.evaluator.evaluate(candidate)
    told_s = timed.seconds(parts.evaluator.budget, 1078, 360, chips=3, times=3)
    assert 0.1 < told_s / outcome.wall_time_s < 10, "within what a busy machine does to it"


def test_a_candidate_that_cannot_fit_is_not_timed() -> None:
    parts = composition()
    huge = replace(parts.evaluator, space=Unbuildable(parts.problem.space, 10**13))
    with pytest.raises(EvaluationError, match="too large for memory"):
        time_trial(huge, job(parts).proposal.genotype)
