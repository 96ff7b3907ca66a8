"""Who takes part in a benchmark: a strategy in any of the forms that a user has it in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, cast, final

from analognas.bench.error import BenchError
from analognas.bench.strategy_text import options_written_out, read_strategy, split_strategies
from analognas.errors import UserError
from analognas.specs.entry_points import Guard
from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.entry_point import ForeignStrategy
from analognas.strategies.strategy import Strategy

Factory: TypeAlias = Callable[[int], Strategy]
"""A class or function of the seed."""

StrategyLike: TypeAlias = str | StrategySpec | Strategy | Factory
"""A name with or without options, a specification, an object with `ask`, or a class or function of the seed."""


@final
@dataclass(frozen=True)
class Contender:
    """A strategy and what it is called.

    Attributes:
        label: in table and plot.
        source: makes a strategy for each seed, or is one for all of them.
    """

    label: str
    source: StrategySpec | Strategy | Factory

    def build(self, seed: int) -> Strategy:
        """Return the strategy for the searches of a seed; one of the user's own has its proposals looked at.

        Raises:
            UserError: when it cannot be made, or what is made has no `ask`.
        """
        source = self.source
        if isinstance(source, StrategySpec):
            return source.build(seed)
        made: object = source
        if not _has_ask(source):
            assert callable(source)
            try:
                made = source(seed)
            except UserError:
                raise
            except Exception as error:
                raise BenchError(
                    f"the strategy {self.label!r} cannot be made: {type(error).__name__}: {error}; it is called with "
                    "the seed alone, give an object for one that takes none"
                ) from error
        ask = getattr(made, "ask", None)
        if not callable(ask):
            raise BenchError(
                f"the strategy {self.label!r} must have a method `ask(problem, history, n, rng)`, got {made!r:.200}"
            )
        return ForeignStrategy(Guard("strategy", self.label), made)  # type: ignore[arg-type]  # it has `ask`


def contenders(
    strategies: StrategyLike | Iterable[StrategyLike] | Mapping[str, StrategyLike],
) -> list[Contender]:
    """Return who takes part, each with a label of its own.

    Args:
        strategies: one or several; of a mapping the keys are the labels. A text may name several, separated by commas.

    Raises:
        BenchError: for an unknown name or option, what is no strategy, two equal labels, or none at all.
    """
    if isinstance(strategies, Mapping):
        found = [_contender(source, str(label)) for label, source in strategies.items()]
    elif isinstance(strategies, str | StrategySpec) or _has_ask(
        strategies
    ):  # a specification is iterable, too
        found = _several(cast(StrategyLike, strategies))
    elif isinstance(strategies, Iterable):
        found = [contender for source in strategies for contender in _several(source)]
    else:
        found = _several(strategies)
    if not found:
        raise BenchError("there is no strategy to compare: name at least one")
    labels = [contender.label for contender in found]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise BenchError(
            f"two strategies are called {twice!r}: remove one, or give a mapping from labels to strategies"
        )
    return found


def _several(source: StrategyLike) -> list[Contender]:
    if isinstance(source, str):
        return [_contender(text, None) for text in split_strategies(source)]
    return [_contender(source, None)]


def _contender(source: StrategyLike, label: str | None) -> Contender:
    if isinstance(source, str):
        written, spec = read_strategy(source)
        return Contender(label or written, spec)
    if isinstance(source, StrategySpec):
        return Contender(label or options_written_out(source), source)
    if isinstance(source, type):
        _check_class(source)
    if not callable(source) and not _has_ask(source):
        raise BenchError(
            "`strategies` must be names such as 'optuna-tpe(initial=40)', specifications, classes or functions of the "
            f"seed, or objects with `ask`, got {source!r:.80}"
        )
    return Contender(label or _called(source), source)


def _check_class(source: type) -> None:
    """Check that the objects of a class are strategies.

    Raises:
        BenchError: when they are not.
    """
    if issubclass(source, StrategySpec):
        raise BenchError(
            f"a specification must be an object: give `{source.__name__}()`, got the class itself"
        )
    if not callable(getattr(source, "ask", None)):
        raise BenchError(
            f"a strategy must have a method `ask(problem, history, n, rng)`, the class {source.__name__} has none"
        )


def _has_ask(source: object) -> bool:
    """Return whether an object is a strategy; a class is none, it makes them."""
    return not isinstance(source, type) and callable(getattr(source, "ask", None))


def _called(source: Strategy | Factory) -> str:
    """Return the name of a class or function, with the arguments that `functools.partial` gives it."""
    if isinstance(source, partial):
        given = [*map(repr, source.args), *(f"{key}={value!r}" for key, value in source.keywords.items())]
        return f"{_called(source.func)}({', '.join(given)})"
    name = getattr(source, "__name__", None)
    return name if isinstance(name, str) else type(source).__name__
