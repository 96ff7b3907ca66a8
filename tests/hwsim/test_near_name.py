"""A suggestion is what somebody meant, or there is none."""

import pytest

from analognas.bench import BenchError
from analognas.bench.strategy_text import read_strategy
from analognas.specs.problems import nearest
from hwsim.near_name import near_name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("colums", "columns"),
        ("coloumns", "columns"),
        ("acuracy", "accuracy"),
        ("haed", "head"),
        ("pmc", "pcm"),
        ("hermes", "hermes-64core"),
        ("serial", "layer-serial"),
        ("latest_s", "device.latest_s"),
    ],
)
def test_slips_and_parts_of_names_are_understood(name: str, meant: str) -> None:
    assert near_name(name, ["rows", meant, "depth"]) == meant


@pytest.mark.parametrize("known", ["column", "columns", "colums"])
def test_another_word_is_not_suggested(known: str) -> None:
    assert near_name("colour", [known]) is None
    assert nearest("colour", [known, "rows"]) == f"; known: {known}, rows"


def test_a_farther_name_is_taken_where_the_nearest_is_another_word() -> None:
    assert near_name("colour", ["column", "colours"]) == "colours"
    assert near_name("anything", []) is None


def test_strategies_are_suggested_by_the_same_rule() -> None:
    with pytest.raises(BenchError, match="unknown strategy 'rendom', did you mean random"):
        read_strategy("rendom")
    with pytest.raises(BenchError, match="unknown strategy 'ransack': choose of"):
        read_strategy("ransack")
