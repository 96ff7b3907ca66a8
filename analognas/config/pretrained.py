"""Which model of other searches a search begins with: the one that `pretrained` names, or a shipped one that fits.

A model fits where it predicts the objective and every feature that it was fitted on is known here. `auto` also wants
the same kind of space, and a model that knows the task, or of which is known how it orders networks of a task that it
does not know. A model that is named is taken without any of these, too. The weight of a model of another space, task
or hardware is halved, and that is said. Candidates outside of what a model has seen are known less, whatever it is.
How long networks were trained is not compared.

What carries over was measured (`scripts/reproduce/models_elsewhere.py`): the order of accuracies to another task and
to other hardware, not to another space with larger networks that were trained longer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import surrogates
from analognas.config.sections import SearchConfig
from analognas.errors import MisfitError, UserError
from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.pretrained_file import Pretrained, physics, read_pretrained
from analognas.strategies.problem import SearchProblem
from analognas.strategies.problem_features import problem_features
from analognas.strategies.strategy import Strategy
from analognas.strategies.surrogate_guided import SurrogateGuidedSpec
from analognas.strategies.transfer import Prior
from search_spaces import Population
from surrogates.hardware_features import HARDWARE_FEATURES, beyond_features

SHIPPED: Final = Path(surrogates.__file__).parent / "shipped"
"""The folder of the models that this version brings along."""

PLACE: Final = ("search", "strategy", "pretrained")

FOREIGN: Final = 0.5
"""Weight of a model of other hardware, another space or one other task: chosen, not tuned."""


@dataclass(frozen=True)
class Informed:
    """What a search begins with.

    Attributes:
        prior: what a model expects; None where there is none.
        note: which model, or why there is none; empty where nobody asked for one.
        sha256: of the model's file; empty without one.
    """

    prior: Prior | None = None
    note: str = ""
    sha256: str = ""


def informed(config: SearchConfig, problem: SearchProblem, some: Population) -> Informed:
    """Return the model that a search begins with.

    Args:
        config: the search.
        problem: space, objective, hardware and bounds.
        some: `(n, genes)` candidates, at least one, to look at their features.

    Raises:
        MisfitError: when the model that the configuration names cannot be read or does not fit, or candidates have no
            features, because devices hold no finite weights for a day.
    """
    strategy = config.search.strategy
    if not isinstance(strategy, SurrogateGuidedSpec) or strategy.pretrained == "none":
        return Informed()
    try:
        features = [*problem_features(problem, some[:1]).columns]
        features += [] if problem.hardware is None else [*HARDWARE_FEATURES]
    except ValueError as error:
        raise MisfitError(f"needs features of candidates: {error}", PLACE) from None
    if strategy.pretrained == "auto":
        return _shipped(config, features)
    try:
        model = read_pretrained(Path(strategy.pretrained))
    except UserError as error:
        raise MisfitError(str(error), PLACE) from None
    reason = _misfit(model, config, features)
    if reason:
        raise MisfitError(f"{model.path}: {reason}; choose another model, or `none`", PLACE)
    return _taken(model, config)


def with_prior(spec: StrategySpec, seed: int, prior: Prior | None) -> Strategy:
    """Return the strategy, which begins with what a model expects where there is one.

    Raises:
        UserError: when the strategy, or its surrogate, cannot be made.
    """
    if isinstance(spec, SurrogateGuidedSpec):
        return spec.build_informed(seed, prior)
    return spec.build(seed)


def _shipped(config: SearchConfig, features: list[str]) -> Informed:
    """Return the shipped model that fits best: of this task before of others, of this hardware, of few tasks."""
    models = [read_pretrained(path) for path in sorted(SHIPPED.glob("*.json.gz"))]
    if not models:
        return Informed(note="pretrained: none, no model is shipped with this version")
    models.sort(key=lambda model: len(model.card["tables"]))
    reasons = [_misfit(model, config, features) or _other_space_or_task(model, config) for model in models]
    fitting = [model for model, reason in zip(models, reasons, strict=True) if not reason]
    if not fitting:
        return Informed(
            note=f"pretrained: none of {len(models)} shipped models fits ({models[-1].path.name}: {reasons[-1]})"
        )
    fitting.sort(key=lambda model: (not _knows_task(model, config), bool(_other_hardware(model, config))))
    return _taken(fitting[0], config)


def _misfit(model: Pretrained, config: SearchConfig, features: list[str]) -> str:
    """Return why a model says nothing of this search, empty where it does."""
    if config.further_objectives:
        return "a model of other searches predicts one objective, `further_objectives` must be empty"
    if config.objective not in model.model.targets:
        return f"predicts {', '.join(model.model.targets)} and not the objective {config.objective}"
    missing = [name for name in model.model.features if name not in features]
    if missing:
        share = missing[0].removeprefix("log_share_")
        bound = f", which needs a bound on {share}" if share != missing[0] else ""
        return f"was fitted on the feature {missing[0]!r}{bound}, and candidates here have none"
    return ""


def _other_space_or_task(model: Pretrained, config: SearchConfig) -> str:
    """Return what a model was fitted on that is another thing here, empty where it is the same."""
    tables = model.card["tables"]
    reasons = []
    if all(table["space"].get("kind") != config.space.kind for table in tables):
        reasons.append(f"fitted on the space {tables[0]['space'].get('kind')}, here {config.space.kind}")
    if not _knows_task(model, config) and not model.card["leave_one_out"]:
        reasons.append(f"fitted on {tables[0]['task']['kind']} alone, here {config.task.kind}")
    return "; ".join(reasons)


def _other_hardware(model: Pretrained, config: SearchConfig) -> str:
    if config.hardware is None:
        return ""
    knows_hardware = bool(HARDWARE_FEATURES.keys() & set(model.model.features))
    compared = beyond_features if knows_hardware else physics
    own = compared(config.hardware.model_dump(mode="json"))
    known = [compared(table["hardware"]) for table in model.card["tables"]]
    return "" if own in known else "fitted on other hardware"


def _knows_task(model: Pretrained, config: SearchConfig) -> bool:
    """Whether a model was fitted on networks of this task: its kind, and its folder or file where it names one."""
    path = getattr(config.task, "path", None)
    own = (config.task.kind, None if path is None else str(path))
    tasks = [table["task"] for table in model.card["tables"]]
    return own in [(task["kind"], None if task.get("path") is None else str(task["path"])) for task in tasks]


def _taken(model: Pretrained, config: SearchConfig) -> Informed:
    card = model.card
    sizes = ", ".join(f"{table['name']} ({table['candidates']})" for table in card["tables"])
    known = _knows_task(model, config)
    foreign = "; ".join(filter(None, (_other_space_or_task(model, config), _other_hardware(model, config))))
    warnings = [] if known else ["of other tasks than this one"]
    warnings += [f"{foreign}: its weight is halved"] if foreign else []
    note = "; ".join([f"pretrained: {card['name']}, fitted on {sizes}", *warnings])
    digest = hashlib.sha256(model.path.read_bytes()).hexdigest()
    prior = Prior(model, same_task=known, weight=FOREIGN if foreign else 1.0)
    return Informed(prior, note, digest)
