"""The examples in docstrings give what they say."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
PACKAGES = ("analognas", "hwsim", "search_spaces", "surrogates")


def _modules() -> list[str]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    with_examples = [path for path in paths if re.search(r"^ *>>> ", path.read_text(), re.MULTILINE)]
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in with_examples
    ]


@pytest.mark.parametrize("name", _modules())
def test_examples_of_docstrings(name: str) -> None:
    torch.manual_seed(0)  # of the initial weights of examples, whatever ran before
    done = doctest.testmod(import_module(name))
    assert done.attempted
    assert not done.failed
