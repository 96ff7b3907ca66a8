"""Optuna's samplers as strategies.

A call rebuilds the study from the history, so that the proposals follow from it alone, asks the sampler, and
rejects what is not new and admissible; after some rejections a mutant of the last suggestion takes its place.
The values of a gene are those that occur in a sample of the space; genes that are inactive in a candidate
enter at their canonical value. A gene of at most `MOST_CHOICES` values is a categorical parameter, any other
an integer; CMA-ES and QMC know integers alone. A sampler sees what a trial is worth under the soft bounds, and no
constraints: it would compare infeasible trials by their violation alone.

What a sampler keeps between calls comes from the history: the generation of a trial in NSGA-II and NSGA-III
is its place in the order of completion; CMA-ES starts warm from the completed trials; QMC goes on in its
sequence after as many points as this run asked for.

References:
    J. Bergstra et al., Algorithms for hyper-parameter optimization, NeurIPS 2011 (TPE).
    N. Hansen, A. Ostermeier, Completely derandomized self-adaptation in evolution strategies, Evolutionary
    Computation 9, 2001; M. Nomura et al., Warm starting CMA-ES for hyperparameter optimization, AAAI 2021.
    K. Deb, H. Jain, An evolutionary many-objective optimization algorithm using reference-point-based
    nondominated sorting approach, IEEE Transactions on Evolutionary Computation 18, 2014 (NSGA-III).
    T. Akiba et al., Optuna: A next-generation hyperparameter optimization framework, KDD 2019, arXiv
    1907.10902.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeAlias, final

import numpy as np
from pydantic import Field
from threadpoolctl import threadpool_limits

from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.novelty import NewBatch
from analognas.strategies.problem import SearchProblem
from analognas.strategies.strategy import History, Proposal, Strategy
from search_spaces import Population

if TYPE_CHECKING:
    import optuna

SamplerName: TypeAlias = Literal["tpe", "gp", "cma-es", "nsga2", "nsga3", "qmc"]

MOST_CHOICES: Final = 8
"""Values up to which a gene is a categorical parameter: operations, block types, switches."""

MAX_ASKS: Final = 40
"""Suggestions for one place in the batch, before mutants of the last one take it."""

MAX_ASKS_GP: Final = 3
"""The same for a Gaussian process, whose every suggestion is an optimisation with the same end."""

NEIGHBOURS: Final = 64
"""Mutants of a rejected suggestion, of which the first new one is proposed."""

FEWEST_SOURCES: Final = 10
"""Completed trials from which CMA-ES starts warm: it takes the best tenth of them."""

RANGE_SAMPLE: Final = 4096
"""Candidates whose genes show the values that genes have."""

NUMERIC: Final[tuple[SamplerName, ...]] = ("cma-es", "qmc")
"""Samplers that would draw categorical parameters at random."""


class _OptunaSpec(StrategySpec):
    sampler: ClassVar[SamplerName]
    multi_objective: ClassVar[bool] = True
    learns_after: ClassVar[str] = "initial"

    initial: int = Field(default=10, ge=2, le=10_000, description="random trials before the sampler")

    def build(self, seed: int) -> Strategy:
        """Return the strategy."""
        return self.watched(OptunaSearch(sampler=self.sampler, initial=self.initial, seed=seed))


class OptunaTPESpec(_OptunaSpec):
    """Optuna's multivariate tree-structured Parzen estimator over the genes."""

    sampler: ClassVar[SamplerName] = "tpe"
    kind: Literal["optuna-tpe"] = "optuna-tpe"


class OptunaGPSpec(_OptunaSpec):
    """Optuna's Gaussian process with expected (hypervolume) improvement. Half a second for each proposal."""

    sampler: ClassVar[SamplerName] = "gp"
    kind: Literal["optuna-gp"] = "optuna-gp"


class OptunaCMAESSpec(_OptunaSpec):
    """Optuna's CMA-ES over the genes as integers, started warm from all completed trials at each call."""

    sampler: ClassVar[SamplerName] = "cma-es"
    multi_objective: ClassVar[bool] = False
    kind: Literal["optuna-cma-es"] = "optuna-cma-es"


class OptunaNSGA2Spec(_OptunaSpec):
    """Optuna's NSGA-II: generations in order of completion, for one objective or several."""

    sampler: ClassVar[SamplerName] = "nsga2"
    kind: Literal["optuna-nsga2"] = "optuna-nsga2"
    initial: int = Field(default=30, ge=2, le=10_000, description="trials of a generation, the first random")


class OptunaNSGA3Spec(_OptunaSpec):
    """Optuna's NSGA-III: reference directions instead of crowding, for three objectives and more."""

    sampler: ClassVar[SamplerName] = "nsga3"
    kind: Literal["optuna-nsga3"] = "optuna-nsga3"
    initial: int = Field(default=30, ge=2, le=10_000, description="trials of a generation, the first random")


class OptunaQMCSpec(_OptunaSpec):
    """Optuna's quasi-Monte Carlo: a scrambled Sobol sequence over the genes. For even coverage."""

    sampler: ClassVar[SamplerName] = "qmc"
    learns_after: ClassVar[str] = ""
    kind: Literal["optuna-qmc"] = "optuna-qmc"
    initial: int = Field(default=0, ge=0, le=10_000, description="random trials before the sequence")


@final
@dataclass(frozen=True)
class OptunaSearch:
    """Proposes what a sampler suggests.

    Attributes:
        sampler: which one.
        initial: random trials before the sampler has its say; for `nsga2` and `nsga3` also the trials of a
            generation.
        seed: of the sequence of `qmc`; the others draw from the generator of each call.
    """

    sampler: SamplerName
    initial: int
    seed: int

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Propose at most `n` new candidates, fewer when the space is exhausted."""
        import optuna

        # One stream for the ranges, whatever was drawn before: the same study at every call.
        sample = problem.space.sample(RANGE_SAMPLE, np.random.default_rng(0))
        if not len(sample):
            return []
        distributions = gene_distributions(
            np.concatenate([sample, history.population, history.pending]),
            most_choices=0 if self.sampler in NUMERIC else MOST_CHOICES,
        )
        batch = NewBatch(problem, history, rng)
        missing = self.initial - len(history) - len(history.pending)
        batch.draw(min(n, missing), problem.space.sample, "random")
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            # The cores are for the workers: threads that wait for each other take from them and save nothing.
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study = self._study(problem, history, distributions, int(rng.integers(2**31)))
                for _ in range(n - len(batch.proposals)):
                    self._ask_for_one(study, problem, batch, distributions, sample[:1])
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
        """Return a study that has seen the history and is about to be asked."""
        import optuna

        finished = self._finished(problem, history, distributions)
        sampler = self._make_sampler(finished, seed)
        objectives = 1 + len(problem.further)
        study = optuna.create_study(directions=["maximize"] * objectives, sampler=sampler)
        study.add_trials(finished)
        for genes in history.pending:
            study.add_trial(
                optuna.trial.create_trial(
                    state=optuna.trial.TrialState.RUNNING,
                    params=_parameters(genes, distributions),
                    distributions=distributions,
                )
            )
        if self.sampler == "qmc":
            own = len(history) - history.earlier + len(history.pending)
            for _ in range(own - max(self.initial - history.earlier, 0)):
                study.tell(study.ask(distributions), state=optuna.trial.TrialState.FAIL)
        return study

    def _finished(
        self,
        problem: SearchProblem,
        history: History,
        distributions: dict[str, optuna.distributions.BaseDistribution],
    ) -> list[optuna.trial.FrozenTrial]:
        import optuna

        rows = np.flatnonzero(history.completed)
        metrics = history.metrics.iloc[rows]
        values = problem.values(history.population[rows], metrics)
        key = {"nsga2": "NSGAIISampler:generation", "nsga3": "NSGAIIISampler:generation"}.get(self.sampler)
        trials = []
        for place, row in enumerate(rows):
            trials.append(
                optuna.trial.create_trial(
                    params=_parameters(history.population[row], distributions),
                    distributions=distributions,
                    values=values[place].tolist(),
                    system_attrs={} if key is None else {key: place // self.initial},
                )
            )
        return trials

    def _make_sampler(
        self, finished: list[optuna.trial.FrozenTrial], seed: int
    ) -> optuna.samplers.BaseSampler:
        from optuna import samplers

        source = finished if len(finished) >= FEWEST_SOURCES else None
        make: dict[SamplerName, Callable[[], Any]] = {
            "tpe": lambda: samplers.TPESampler(seed=seed, n_startup_trials=self.initial),
            "gp": lambda: samplers.GPSampler(seed=seed, n_startup_trials=self.initial),
            "cma-es": lambda: samplers.CmaEsSampler(
                seed=seed, n_startup_trials=1, source_trials=source, warn_independent_sampling=False
            ),
            "nsga2": lambda: samplers.NSGAIISampler(seed=seed, population_size=self.initial),
            "nsga3": lambda: samplers.NSGAIIISampler(seed=seed, population_size=self.initial),
            "qmc": lambda: samplers.QMCSampler(
                seed=self.seed % 2**31, scramble=True, warn_independent_sampling=False
            ),
        }
        sampler: optuna.samplers.BaseSampler = make[self.sampler]()
        return sampler

    def _ask_for_one(
        self,
        study: optuna.Study,
        problem: SearchProblem,
        batch: NewBatch,
        distributions: dict[str, optuna.distributions.BaseDistribution],
        like: Population,
    ) -> None:
        """Ask until the batch has one candidate more; rejected suggestions leave the study as they found it."""
        import optuna

        name = f"optuna-{self.sampler}"
        before = len(batch.proposals)
        nearby: Population | None = None
        for _ in range(MAX_ASKS_GP if self.sampler == "gp" else MAX_ASKS):
            trial = study.ask(distributions)
            suggested = like.copy()
            for gene in range(like.shape[1]):
                suggested[0, gene] = trial.params.get(_name(gene), like[0, gene])
            # Independent genes may not fit together: an active block with the values of an inactive one.
            if not problem.space.problems(suggested)[0]:
                nearby = problem.space.canonical(suggested)
                batch.add(nearby, 1, name)
                if len(batch.proposals) > before:
                    return
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        # A sampler that is sure of itself suggests what it has seen, or what a table lacks: it wants what is near.
        wanted = suggested if nearby is None else nearby
        mutants = problem.space.mutate(np.repeat(wanted, NEIGHBOURS, axis=0), batch.rng)
        batch.add(mutants, 1, f"{name}-neighbour")


def gene_distributions(
    population: Population, most_choices: int = MOST_CHOICES
) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return the Optuna distribution of each gene that varies in `(n, genes)`, over the values it has there."""
    import optuna

    distributions: dict[str, optuna.distributions.BaseDistribution] = {}
    for gene, column in enumerate(population.T):
        values = np.unique(column).tolist()
        if len(values) == 1:
            continue
        if len(values) <= most_choices:
            distributions[_name(gene)] = optuna.distributions.CategoricalDistribution(values)
        else:
            distributions[_name(gene)] = optuna.distributions.IntDistribution(values[0], values[-1])
    return distributions


def _parameters(
    genes: Population, distributions: dict[str, optuna.distributions.BaseDistribution]
) -> dict[str, int]:
    named = {_name(gene): value for gene, value in enumerate(genes.tolist())}
    return {name: named[name] for name in distributions}


def _name(gene: int) -> str:
    return f"gene{gene}"
