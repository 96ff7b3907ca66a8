"""The conformance suite of report sections.

`check_section` writes a section of runs that have just begun, failed throughout, go on and have ended, with texts that
a stranger may have put into them. The first breach ends the check with an error that names the rule and what was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

from analognas.record.trial import Trial
from analognas.report import ReportData
from analognas.report.html import Html
from analognas.report.report import Section
from analognas.strategies import Objective
from analognas.testing.made_up import HOSTILE, result, trial

WITHOUT_END = ("meta", "br", "img", "hr", "input")


class BrokenSectionError(ValueError):
    """A report section breaks its contract; the message names the rule and what was found."""


def check_section(section: Section) -> None:
    """Check that a report section keeps the contract of `analognas.report.report.Section`.

    Raises:
        BrokenSectionError: at the first breach.
    """
    trials = [trial(1), trial(2), trial(3, text=HOSTILE), trial(4, failed=True, text=HOSTILE)]
    going_on = _data(trials)
    several = (*going_on.objectives, Objective("parameters", -1))
    for when, data in (
        ("before the first trial", _data([])),
        ("where every trial failed", _data([trial(1, failed=True)])),
        ("while the search goes on", going_on),
        ("where no trial meets the bounds", replace(going_on, upper_bounds={"parameters": 1.0})),
        ("of several objectives", replace(going_on, objectives=several)),
        ("at the end", replace(going_on, result=result())),
    ):
        _check_content(section, data, when)


def _check_content(section: Section, data: ReportData, when: str) -> None:
    try:
        content, again = section(data), section(data)
    except Exception as error:
        raise BrokenSectionError(f"must not fail {when}, got {type(error).__name__}: {error}") from error
    if content is None:
        return
    _require(isinstance(content, Html), f"must be Html or None {when}", type(content).__name__)
    _require(bool(content), f"must say something or be None {when}", "nothing")
    _require(content == again, f"must be the same for the same run {when}", "another one")
    tags = _Tags()
    tags.feed(content)
    _require(not tags.open, f"must end every element {when}", f"open {', '.join(tags.open)}")
    scripts = [kind for kind in tags.scripts if kind != "application/json"]
    _require(not scripts, f"must escape texts and have no script {when}", f"a script of type {scripts}")


def _data(trials: Sequence[Trial]) -> ReportData:
    return ReportData(
        name=HOSTILE,
        subject={"task": HOSTILE, "hardware": "made-up"},
        trials=trials,
        result=None,
        upper_bounds={"parameters": 1e6, "avm": 0.9},
        objectives=[Objective("accuracy_1d", 1)],
        choice="best",
        config_text=f"name: {HOSTILE}\n",
        environment={"python": "3.11", "note": HOSTILE},
        command="analognas search made-up.yaml",
    )


class _Tags(HTMLParser):
    """Notes the elements that have no end, and the types of the scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in WITHOUT_END:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append(dict(attrs).get("type"))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.open.append(f"/{tag}")


def _require(holds: bool, rule: str, found: object) -> None:
    if not holds:
        raise BrokenSectionError(f"{rule}, got {found}")
