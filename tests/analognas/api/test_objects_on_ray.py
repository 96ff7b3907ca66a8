"""Python objects in place of sections on a Ray cluster of the search's own. Run with `pytest -m ray`."""

import subprocess
import sys

import pytest

import analognas
from tests.analognas.api.own_parts import Mean, Perceptrons, WidestFirst, arrays
from tests.analognas.api.test_objects import CHIP, Locked, python_path, tiny

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")]
ray = pytest.importorskip("ray")

ON_RAY = {"kind": "ray", "address": "local", "num_cpus": 1}

SCRIPT = """
import dataclasses, inspect, typing
import numpy as np
import pandas as pd
from torch import nn

import analognas, hwsim
from analognas.strategies import Proposal
from analognas.strategies.novelty import draw_new
from search_spaces import genotypes
from tests.analognas.api import own_parts

Any, dataclass = typing.Any, dataclasses.dataclass
exec(inspect.getsource(own_parts.Perceptrons))  # now classes of `__main__`
exec(inspect.getsource(own_parts.WidestFirst))
run = analognas.search(
    task=own_parts.arrays(),
    space=Perceptrons(),
    strategy=WidestFirst(),
    hardware=hwsim.preset("pcm-rasch2023").replace({"tile.rows": 128}),
    executor={"kind": "ray", "address": "local", "num_cpus": 1},
    out="run",
    **own_parts.TINY,
)
trials = run.trials()
print(type(run.config.space.object.value).__module__, list(trials["status"]), set(trials["origin"]))
print(run.best.network() is not None, run.config.executor.kind)
"""


def test_a_search_of_objects_of_a_script_runs_on_ray(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=python_path(),
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = "__main__ ['completed', 'completed', 'completed'] {'widest-first'}\nTrue ray\n"
    assert done.stdout == told, done.stderr
    assert (tmp_path / "run" / "best" / "model.safetensors").exists()


def test_a_run_of_objects_goes_on_on_ray_with_a_surrogate_of_ones_own(tmp_path) -> None:
    search = {"trials": 4, "strategy": {"kind": "surrogate-guided", "initial": 4}}
    run = tiny(tmp_path / "run", strategy=None, surrogate=Mean(), search=search)
    before = run.directory.journal.read_bytes()
    grown = analognas.resume(
        run.path,
        trials=6,
        executor="ray",
        overrides=["executor.address=local"],
        task=arrays(),
        space=Perceptrons(),
        surrogate=Mean(),
        observer="silent",
    )
    assert grown.directory.journal.read_bytes().startswith(before)
    assert list(grown.trials()["status"]) == ["completed"] * 6
    assert grown.config.hardware == CHIP
    assert grown.config.executor.kind == run.config.executor.kind, "the file keeps where the run began"


def test_what_an_object_does_wrong_on_ray_is_one_line(tmp_path) -> None:
    class Fails(WidestFirst):
        def ask(self, problem, history, n, rng):
            raise RuntimeError("no idea")

    with pytest.raises(
        analognas.UserError, match=r"^`ask` of the strategy .*Fails' failed: RuntimeError: no idea$"
    ):
        tiny(tmp_path / "run", executor=ON_RAY, strategy=Fails())


def test_a_space_that_no_node_can_have_is_told_in_one_line(tmp_path) -> None:
    with pytest.raises(analognas.UserError, match=r"Locked' cannot be sent to a worker \(TypeError: [^\n]*$"):
        tiny(tmp_path / "run", executor=ON_RAY, space=Locked())
