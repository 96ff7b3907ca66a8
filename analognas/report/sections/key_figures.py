"""The head of a report: what was found, next to every reference network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from analognas.metrics import TABLE
from analognas.record.validation import FinalResult
from analognas.report.compromise import broken_at_full_budget
from analognas.report.data import ReportData
from analognas.report.html import Html, element, joined, with_code
from analognas.report.verdict import comparisons, shortfall
from analognas.report.wording import accuracy_with_spread, amount, architecture_text, capitalised
from analognas.specs.durations import duration
from analognas.strategies.recovery import BEHIND, PATIENCE, RECOVERY

_CHOSEN: Final = {"best": "best", "knee": "knee of the front"}
_NUMBERS_SHOWN: Final = 40
_SUBJECT: Final = "analognas · architecture search for analog in-memory computing"


@dataclass(frozen=True)
class _Column:
    """One network's main figures: `title`, and the metrics by name."""

    title: str
    metrics: Mapping[str, float]


def header(data: ReportData) -> Html:
    """Return the title, one sentence on the run, and the main figures."""
    return element(
        "header",
        {},
        element("p", {"class": "subject"}, _SUBJECT),
        element("h1", {}, data.name),
        *(element("p", {"class": "warning"}, with_code(f"{sentence}.")) for sentence in data.damage),
        element("p", {"class": "lead"}, _summary(data)),
        element(
            "p",
            {"class": "architecture"},
            " · ".join(f"{key} {value}" for key, value in data.subject.items()),
        ),
        _cards(_columns(data)),
        *(element("p", {"class": "lead"}, sentence) for sentence in _recovered(data)),
        *(element("p", {"class": "lead"}, sentence) for sentence in _trained_on(data.result)),
        *(element("p", {"class": "warning"}, with_code(f"{sentence}.")) for sentence in _fallen(data)),
        *(element("p", {"class": "lead"}, with_code(f"{sentence}.")) for sentence in _compared(data)),
        _architecture(data),
    )


def _summary(data: ReportData) -> str:
    if not data.trials:
        return no_trials(data)
    seconds = sum(trial.wall_time_s for trial in data.trials)
    best = data.best_trial
    state = "" if data.result is not None else "No result so far: " if best is None else "Unfinished run: "
    which = f"trial {best.number}" if best is not None else ""
    if data.reference is not None:
        which = f"the reference {data.reference}, which no trial surpassed on validation"
    chosen = f"; the {_CHOSEN[data.choice]} is {which}" if which else ""
    return (
        f"{state}{_count(len(data.trials), 'trial')} in {duration(seconds)} of evaluation; "
        f"{len(data.completed)} completed, {len(data.failed)} failed, {_met(data)}{chosen}."
    )


def no_trials(data: ReportData) -> str:
    """Return what stands in the place of trials: a run that has ended had some."""
    return (
        "No trial has finished yet."
        if data.result is None
        else "The run has ended, its record of trials is empty."
    )


def _met(data: ReportData) -> str:
    n_full = sum(trial.at_full_budget for trial in data.completed)
    if n_full == len(data.completed):
        return f"{data.n_feasible} met all constraints"
    candidates = sum(trial.rung == 0 for trial in data.trials)
    return (
        f"{_count(candidates, 'candidate')} on the first rung of successive halving, {n_full:,} evaluated at full "
        f"budget, {data.n_feasible} of these met all constraints"
    )


def _columns(data: ReportData) -> list[_Column]:
    if data.networks:
        first = data.choice if data.reference is None else f"{data.choice}: {data.reference}"
        names = [first, *(network.name for network in data.networks[1:])]
        return [_Column(name, network.metrics) for name, network in zip(names, data.networks, strict=True)]
    best = data.best_trial
    return [] if best is None else [_Column(f"{data.choice} so far", best.metrics)]


def _recovered(data: ReportData) -> list[str]:
    """Say that the search fell behind its first design, and with which trials it explored around the best instead."""
    numbers = [trial.number for trial in data.trials if trial.origin == RECOVERY]
    if not numbers:
        return []
    listed = ", ".join(map(str, numbers[:_NUMBERS_SHOWN])) + ", …" * (len(numbers) > _NUMBERS_SHOWN)
    return [
        f"{_count(len(numbers), 'trial')} ({listed}) explored around the best ones, because "
        f"{PATIENCE} trials in a row had been {BEHIND}."
    ]


def _trained_on(result: FinalResult | None) -> list[str]:
    """Say where the figures come from when the validation split, which chose the network, has trained it, too."""
    if result is None or "validation" in result.network.digital_accuracy:
        return []
    return [
        "The networks above were trained on the training and the validation split, once the choice was made; their "
        "figures are those of the test split."
    ]


def _fallen(data: ReportData) -> list[str]:
    if data.result is None or data.result.trial is None or data.best_trial is None:
        return []
    sentence = shortfall(data.result.network, data.best_trial)
    return [capitalised(sentence)] if sentence else []


def _compared(data: ReportData) -> list[str]:
    """Say who is ahead, and which soft bounds the exported network breaks."""
    if data.result is None:
        return []
    broken = broken_at_full_budget(data.result, data.upper_bounds)
    compared = comparisons(data.result, data.objectives, data.upper_bounds)
    return [*compared, *([capitalised(broken)] if broken else [])]


def _cards(columns: Sequence[_Column]) -> Html:
    """Return one card a figure: the best network large, the references below it."""
    if not columns:
        return Html("")
    cards = []
    figures = (
        ("1-day bits per character", "bits_1d"),
        ("Digital bits per character", "digital_bits"),
        ("1-day accuracy, ± spread over chips", "accuracy_1d"),
        ("Digital accuracy", "digital_accuracy"),
        ("AVM (1 s to 1 month)", "avm"),
        ("Parameters", "parameters"),
        ("Crossbar tiles", "tiles"),
    )
    for title, metric in figures:
        if TABLE[metric].of_steps and metric not in columns[0].metrics:
            continue
        others = joined(
            element(
                "div",
                {"class": "against"},
                element("span", {"class": "who"}, column.title),
                " ",
                element("span", {"class": "what"}, _figure(metric, column.metrics)),
            )
            for column in columns[1:]
        )
        cards.append(
            element(
                "div",
                {"class": "card"},
                element("div", {"class": "title"}, title),
                element("div", {"class": "value"}, _figure(metric, columns[0].metrics)),
                others,
            )
        )
    return element("div", {"class": "cards"}, *cards)


def _figure(metric: str, metrics: Mapping[str, float]) -> str:
    if metric == "accuracy_1d":
        return accuracy_with_spread(metrics.get(metric), metrics.get("std_1d"))
    return amount(metric, metrics.get(metric))


def _architecture(data: ReportData) -> Html:
    best = data.best_trial
    architecture = data.result.network.architecture if data.result else best.architecture if best else None
    if architecture is None:
        return Html("")
    text = architecture_text(architecture)
    return element(
        "p", {"class": "architecture"}, element("b", {}, "Architecture "), element("code", {}, text)
    )


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
