"""Reads strategies as they are written on a command line: `random`, `optuna-tpe(initial=40)`.

Options stand in parentheses as `key=value` or `key: value`, separated by commas. A value is YAML, so that a section is
`surrogate={kind: gaussian-process}`, or `surrogate.kind=gaussian-process`. Nothing is ever evaluated as code. The
specification of the strategy validates the options. A name that is no built-in strategy is an installed entry point.
"""

from __future__ import annotations

import math
import re
from importlib.metadata import entry_points
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ValidationError

from analognas.bench.error import BenchError
from analognas.config.document import Document, parse_value
from analognas.config.translate import translate
from analognas.specs.outside_brackets import split_outside_brackets
from analognas.strategies.base_spec import StrategySpec
from analognas.strategies.entry_point import GROUP, EntryPointStrategySpec
from analognas.strategies.specs import SELECTABLE, STRATEGIES
from hwsim.near_name import near_name
from surrogates.base_spec import SurrogateSpec


class WrittenStrategy(NamedTuple):
    """A strategy as somebody wrote it.

    Attributes:
        label: name and options, in one way of writing.
        name: of a built-in strategy, or of an installed entry point.
        options: values of its specification, or arguments of its class.
    """

    label: str
    name: str
    options: dict[str, Any]

    @property
    def is_installed(self) -> bool:
        """Whether another package offers it."""
        return self.name not in SELECTABLE


def split_strategies(text: str) -> list[str]:
    """Return the strategies of a text such as `optuna-tpe(initial=40), random`.

    Raises:
        BenchError: when a bracket or a quotation mark is not closed.
    """
    try:
        return split_outside_brackets(text)
    except ValueError as error:
        raise BenchError(f"{error}; write NAME(KEY=VALUE, ...)") from None


def parse_strategy(text: str) -> WrittenStrategy:
    """Return a strategy as it is written on a command line; its options are not validated.

    >>> parse_strategy("optuna-tpe(initial=40)")
    WrittenStrategy(label='optuna-tpe(initial=40)', name='optuna-tpe', options={'initial': 40})

    Raises:
        BenchError: for an unknown strategy, or options that are not written `key=value`.
    """
    text = " ".join(text.split())
    name, bracket, rest = text.partition("(")
    name = name.strip()
    if bracket and not rest.endswith(")"):
        raise BenchError(f"{text}: a strategy is written NAME or NAME(KEY=VALUE, ...)")
    written = [part for part in split_strategies(rest[:-1]) if part] if bracket else []
    values: dict[str, Any] = {}
    for option in written:
        _assign(text, values, option)
    label = f"{name}({', '.join(written)})" if written else name
    if name in SELECTABLE:
        return WrittenStrategy(label, name, values)
    installed = {point.name for point in entry_points(group=GROUP)}
    if name in installed:
        return WrittenStrategy(label, name, values)
    near = near_name(name, [*STRATEGIES, *installed])
    hint = f", did you mean {near}?" if near else ":"
    known = ", ".join([*STRATEGIES, *sorted(installed)])
    raise BenchError(f"unknown strategy {name!r:.60}{hint} choose of {known}")


def read_strategy(text: str) -> tuple[str, StrategySpec]:
    """Return the label and the specification of one strategy, as `bench` has it on its command line.

    >>> read_strategy("regularized-evolution(population=20,tournament=4)")[0]
    'regularized-evolution(population=20, tournament=4)'

    Raises:
        BenchError: for an unknown strategy, an unknown option, or a value that does not fit.
    """
    written = parse_strategy(text)
    if written.is_installed:
        return written.label, EntryPointStrategySpec(name=written.name, options=written.options)
    return written.label, _validated(" ".join(text.split()), SELECTABLE[written.name], written.options)


def _assign(text: str, values: dict[str, Any], option: str) -> None:
    """Set one option, such as `initial=40` or `surrogate.kind: xgboost`."""
    found = re.match(r"\s*([\w.-]+)\s*[=:]\s*(.*)$", option, re.DOTALL)
    path = found.group(1).split(".") if found else [""]
    if found is None or not all(path):
        raise BenchError(f"{text}: an option is written KEY=VALUE, got {option!r:.80}")
    try:
        value = parse_value(found.group(2))
    except ValueError as error:
        raise BenchError(
            f"{text}: {found.group(1)}: the value {found.group(2)!r:.80} is not YAML: {error}"
        ) from None
    section = values
    for key in path[:-1]:
        inner = section.setdefault(key, {})
        if not isinstance(inner, dict):
            raise BenchError(f"{text}: {found.group(1)}: `{key}` is a value already; give one of the two")
        section = inner
    if path[-1] in section:
        raise BenchError(f"{text}: {found.group(1)}: is given twice; remove one of the two")
    section[path[-1]] = value


def _validated(text: str, spec: type[StrategySpec], values: dict[str, Any]) -> StrategySpec:
    if values and spec.model_fields.keys() == {"kind"}:
        raise BenchError(f"{text}: {next(iter(values))}: the strategy takes no options; remove them")
    try:
        return spec.model_validate(values)
    except ValidationError as error:
        problems = translate(error, spec, Document(source=text, values=values))
        raise BenchError(str(problems)) from None


def options_written_out(spec: StrategySpec) -> str:
    """Return a specification as `read_strategy` reads it: its name, and the options that differ from their defaults.

    >>> from analognas.strategies.specs import OptunaTPESpec
    >>> options_written_out(OptunaTPESpec(initial=40)), options_written_out(OptunaTPESpec())
    ('optuna-tpe(initial=40)', 'optuna-tpe')
    """
    options = spec.options if isinstance(spec, EntryPointStrategySpec) else _changed(spec)
    name = spec.name if isinstance(spec, EntryPointStrategySpec) else spec.kind
    written = ", ".join(f"{key}={_flow(value)}" for key, value in options.items())
    return f"{name}({written})" if written else name


def _changed(spec: BaseModel) -> dict[str, Any]:
    """Return what differs from the defaults; of a section inside its kind as well."""
    changed: dict[str, Any] = {}
    for key, field in type(spec).model_fields.items():
        value = getattr(spec, key)
        if key == "kind" or value == field.get_default(call_default_factory=True):
            continue
        changed[key] = {"kind": value.kind, **_changed(value)} if isinstance(value, SurrogateSpec) else value
    return changed


def _flow(value: Any) -> str:
    """Return a value as YAML in one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=math.inf)
    return text.removesuffix("\n...\n").strip()
