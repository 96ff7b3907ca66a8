"""The suite of report sections accepts what is built in, and names what is wrong with broken ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analognas.report.html import Html, element
from analognas.report.report import SECTIONS
from analognas.testing import (
    BrokenSectionError,
    check_section,
)


@pytest.mark.parametrize("title", SECTIONS)
def test_built_in_sections_keep_their_contract(title: str) -> None:
    check_section(SECTIONS[title])


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda data: str(data.name), "must be Html or None before the first trial, got str"),
        (lambda data: element("p", {}, data.trials[0].origin), "must not fail before the first trial"),
        (
            lambda data: element("p", {}, data.best_trial.origin) if data.trials else None,
            "every trial failed",
        ),
        (lambda data: element("p", {}, str(np.random.default_rng().random())), "the same for the same run"),
        (lambda data: Html(f"<p>{data.name}</p>"), "must escape texts and have no script"),
        (lambda data: Html("<p><b>open</p>"), "must end every element"),
        (lambda data: Html(""), "must say something or be None"),
    ],
)
def test_a_broken_section_is_found(broken: Any, message: str) -> None:
    with pytest.raises(BrokenSectionError, match=message):
        check_section(broken)
