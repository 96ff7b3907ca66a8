"""Optuna's multivariate tree-structured Parzen estimator as a strategy.

A call rebuilds the study from the history, so that the proposals follow from it alone, asks the sampler, and
rejects what is not new and admissible; after `MAX_ASKS` rejections a mutant of the last suggestion takes its
place. A gene of at most `MOST_CHOICES` values is a categorical parameter, any other an integer; the values
are those that occur in a sample of the space. Genes that are inactive in a candidate enter at their canonical
value. Soft bounds are passed on as constraints.

References:
    J. Bergstra et al., Algorithms for hyper-parameter optimization, NeurIPS 2011.
    T. Akiba et al., Optuna: A next-generation hyperparameter optimization framework, KDD 2019, arXiv
    1907.10902.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np

from analognas.strategies.novelty import NewBatch
from analognas.strategies.problem import SOFT_METRICS, SearchProblem
from analognas.strategies.strategy import History, Proposal
from search_spaces import Population

if TYPE_CHECKING:
    import optuna

MOST_CHOICES: Final = 8
"""Values up to which a gene is a categorical parameter: operations, block types, switches."""

MAX_ASKS: Final = 40
"""Suggestions for one place in the batch, before mutants of the last one take it."""

NEIGHBOURS: Final = 64
"""Mutants of a rejected suggestion, of which the first new one is proposed."""

RANGE_SAMPLE: Final = 4096
"""Candidates whose genes show the values that genes have."""


@final
@dataclass(frozen=True)
class OptunaTPE:
    """Proposes what the estimator suggests.

    Attributes:
        initial: random trials before the estimator has its say.
    """

    initial: int

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        import optuna

        # One stream for the ranges, whatever was drawn before: the same study at every call.
        sample = problem.space.sample(RANGE_SAMPLE, np.random.default_rng(0))
        if not len(sample):
            return []
        distributions = gene_distributions(np.concatenate([sample, history.population, history.pending]))
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study = self._study(problem, history, distributions, int(rng.integers(2**31)))
                batch = NewBatch(problem, history, rng)
                for _ in range(n):
                    _ask_for_one(study, problem, batch, distributions)
        finally:
            optuna.logging.set_verbosity(verbosity)
        batch.draw(n - len(batch.proposals), problem.space.sample, "random")
        return batch.proposals

    def _study(
        self,
        problem: SearchProblem,
        history: History,
        distributions: dict[str, optuna.distributions.BaseDistribution],
        seed: int,
    ) -> optuna.Study:
        import optuna

        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=self.initial)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        scores = problem.score(history.metrics)
        for row in np.flatnonzero(history.completed):
            bounds = {
                name: float(history.metrics[name].iloc[row] - problem.upper_bounds[name])
                for name in SOFT_METRICS
                if name in problem.upper_bounds
            }
            trial = optuna.trial.create_trial(
                params=_parameters(history.population[row]),
                distributions=distributions,
                value=float(scores[row]),
                constraints=bounds,
            )
            study.add_trial(trial)
        for genes in history.pending:
            study.add_trial(
                optuna.trial.create_trial(
                    state=optuna.trial.TrialState.RUNNING,
                    params=_parameters(genes),
                    distributions=distributions,
                )
            )
        return study


def gene_distributions(population: Population) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return the Optuna distribution of each gene from the values it has in `(n, genes)`."""
    import optuna

    distributions: dict[str, optuna.distributions.BaseDistribution] = {}
    for gene, column in enumerate(population.T):
        values = np.unique(column).tolist()
        if len(values) <= MOST_CHOICES:
            distributions[f"gene{gene}"] = optuna.distributions.CategoricalDistribution(values)
        else:
            distributions[f"gene{gene}"] = optuna.distributions.IntDistribution(values[0], values[-1])
    return distributions


def _parameters(genes: Population) -> dict[str, int]:
    return {f"gene{number}": value for number, value in enumerate(genes.tolist())}


def _ask_for_one(
    study: optuna.Study,
    problem: SearchProblem,
    batch: NewBatch,
    distributions: dict[str, optuna.distributions.BaseDistribution],
) -> None:
    """Ask until the batch has one candidate more; rejected suggestions leave the study as they found it."""
    import optuna

    before = len(batch.proposals)
    nearby: Population | None = None
    for _ in range(MAX_ASKS):
        trial = study.ask(distributions)
        suggested = np.array([[trial.params[name] for name in distributions]], dtype=np.int64)
        # Independent genes may not fit together: an active block with the values of an inactive one.
        if not problem.space.problems(suggested)[0]:
            nearby = problem.space.canonical(suggested)
            batch.add(nearby, 1, "optuna-tpe")
            if len(batch.proposals) > before:
                return
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
    if nearby is not None:
        # An estimator that is sure of itself suggests what it has seen: its neighbourhood is what it wants.
        mutants = problem.space.mutate(np.repeat(nearby, NEIGHBOURS, axis=0), batch.rng)
        batch.add(mutants, 1, "optuna-tpe-neighbour")
