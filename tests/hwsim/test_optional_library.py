"""Where a library is missing that hwsim alone does not require, the message says which and how to get it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hwsim.optional_library import needs

ROOT = Path(__file__).parents[2]
BLOCKED = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"pandas", "scipy", "plotly", "sklearn", "optuna", "xgboost", "rich", "typer"}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Missing())
import importlib, pkgutil, hwsim
ON_SCIKIT_LEARN = ("AnalogRandomFeatures", "hwsim.random_features.ridge", "hwsim.random_features.transformer")
for module in pkgutil.walk_packages(hwsim.__path__, "hwsim."):
    if not module.name.endswith("__main__") and module.name not in ON_SCIKIT_LEARN:
        importlib.import_module(module.name)
for name in hwsim.__all__:
    if name not in ON_SCIKIT_LEARN:
        getattr(hwsim, name)
print(len(hwsim.__all__))
"""


def test_a_missing_library_is_named_with_its_remedy() -> None:
    needs("numpy", "anything")
    with pytest.raises(
        ModuleNotFoundError, match=r"a figure needs no_such_library.*`pip install no_such_library`"
    ) as caught:
        needs("no_such_library", "a figure")
    assert caught.value.name == "no_such_library"


def test_every_module_imports_without_what_is_not_required() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_both_distributions_ask_for_the_same_versions() -> None:
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    alone = tomllib.loads((ROOT / "packaging" / "hwsim" / "pyproject.toml").read_text())["project"]
    assert set(alone["dependencies"]) <= set(whole["dependencies"])
    assert set(alone["optional-dependencies"]["all"]) <= set(whole["dependencies"])
    assert {name.split(">")[0] for name in alone["dependencies"]} == {
        "torch",
        "numpy",
        "pydantic",
        "safetensors",
        "pyyaml",
    }
    assert alone["requires-python"] == whole["requires-python"]
