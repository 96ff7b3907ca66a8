"""Python objects in place of sections, from the first trial to a run that is opened again."""

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import analognas
import hwsim
from analognas.config.from_python import document_from, given_objects
from analognas.config.loader import validate_document
from analognas.strategies import Proposal
from search_spaces import ResNetSpace
from tests.analognas.api.own_parts import TINY, Mean, Perceptrons, WidestFirst, arrays

CHIP = hwsim.preset("pcm-rasch2023").replace({"tile.rows": 128})


def tiny(out, executor="serial", **changes) -> analognas.Run:
    parts = {"task": arrays(), "space": Perceptrons(), "strategy": WidestFirst(), "hardware": CHIP, **TINY}
    return analognas.search(out=out, executor=executor, observer="silent", **{**parts, **changes})


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> analognas.Run:
    return tiny(tmp_path_factory.mktemp("objects") / "run")


def test_a_search_of_objects_alone_ends_with_a_network(run) -> None:
    assert run.config.hardware == CHIP
    assert run.config.space.kind == run.config.task.kind == run.config.search.strategy.kind == "object"
    assert set(run.trials()["origin"]) == {"widest-first"}
    assert run.best.network()(torch.ones(3, 1, 4, 4)).shape == (3, 2)


def test_processes_get_objects_whose_classes_no_module_has(tmp_path) -> None:
    script = tmp_path / "script.py"
    own = (
        "import dataclasses, typing, numpy as np, pandas as pd\n"
        "from torch import nn\n"
        "from tests.analognas.api.own_parts import TINY, arrays\n"
        "import analognas, inspect\n"
        "from tests.analognas.api import own_parts\n"
        "Any = typing.Any\n"
        "exec(inspect.getsource(own_parts.Perceptrons))\n"  # now a class of `__main__`
        "executor = {'kind': 'processes', 'workers': 1, 'threads': 1}\n"
        "run = analognas.search(task=arrays(), space=Perceptrons(), strategy='random', executor=executor, **TINY)\n"
        "print(type(run.config.space.object.value).__module__, list(run.trials()['status']))\n"
    )
    script.write_text(own)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False, cwd=tmp_path, env=python_path()
    )
    assert done.stdout == "__main__ ['completed', 'completed', 'completed']\n", done.stderr


class Locked(Perceptrons):
    """A space that no other process can have."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def test_a_space_that_no_worker_can_have_is_told_in_one_line(tmp_path) -> None:
    with pytest.raises(analognas.UserError) as caught:
        tiny(tmp_path / "run", executor={"kind": "processes", "workers": 1}, space=Locked())
    said = str(caught.value)
    assert "Locked' cannot be sent to a worker (TypeError: cannot pickle '_thread.lock' object)" in said
    assert "`executor: {kind: serial}`" in said
    assert "\n" not in said


def python_path() -> dict[str, str]:
    root = str(Path(__file__).parents[3])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")])),
    }


def test_a_run_that_is_opened_again_wants_the_same_objects(run) -> None:
    directory = run.path
    with pytest.raises(analognas.UserError, match=r"task \(.*space \(.*strategy \(.*analognas.resume\("):
        analognas.resume(directory, trials=4)
    with pytest.raises(
        analognas.UserError, match=r"`space`: the run began with .*widest=40.*got .*widest=41"
    ):
        analognas.resume(directory, trials=4, space=Perceptrons(widest=41))
    assert run.best.folder.exists(), "what could not go on left the run as it was"
    opened = analognas.Run.open(directory)
    assert opened.status()["state"] == "finished"
    with pytest.raises(analognas.UserError, match="`task` is a Python object"):
        opened.space  # noqa: B018
    objects = {"task": arrays(), "space": Perceptrons(), "strategy": WidestFirst()}
    assert analognas.Run.open(directory, **objects).space.sample(2, np.random.default_rng(0)).shape == (2, 1)
    grown = analognas.resume(directory, trials=4, observer="silent", **objects)
    assert list(grown.trials()["number"]) == [1, 2, 3, 4]
    assert analognas.replay(directory, **objects).trials == 4


def test_an_object_where_the_run_has_a_section_is_refused(tmp_path) -> None:
    run = tiny(tmp_path / "run", strategy="random", search={"trials": 1})
    with pytest.raises(analognas.UserError, match=r"`strategy`.*search.strategy.kind: random.*leave it out"):
        analognas.Run.open(run.path, strategy=WidestFirst()).config  # noqa: B018


def test_a_surrogate_of_ones_own_guides_the_search(tmp_path) -> None:
    search = {"trials": 5, "strategy": {"kind": "surrogate-guided", "initial": 4}}
    run = tiny(tmp_path / "run", strategy=None, surrogate=Mean(), search=search)
    assert run.config.search.strategy.surrogate.kind == "object"
    assert len(run.trials()) == 5


@dataclass(frozen=True)
class Always:
    """Proposes one candidate, whatever the space is."""

    genotype: tuple[int, ...]

    def ask(self, problem: Any, history: Any, n: int, rng: np.random.Generator) -> list[Proposal]:
        return [Proposal(self.genotype, "always")]


@pytest.mark.parametrize(
    ("space", "genotype", "told"),
    [
        (
            Perceptrons(),
            (1_000,),
            "gene 1 must lie within 1 to 40, got 1000; the space draws no other values",
        ),
        (Perceptrons(), (0,), "gene 1 must lie within 1 to 40, got 0"),
        (
            {"kind": "resnet", "oc0": [4, 8], "m": [1, 1], "r": [1, 2], "b": [1, 1], "wf": [1, 1]},
            (500, 3, 1, 1, 1, 1, 1, 1),
            "gene 1 must lie within 4 to 8, got 500; the space draws no other values: OC0 must lie within",
        ),
    ],
)
def test_genes_outside_of_the_space_are_refused_and_not_trained(tmp_path, space, genotype, told) -> None:
    with pytest.raises(analognas.UserError) as caught:
        tiny(tmp_path / "run", space=space, strategy=Always(genotype))
    said = str(caught.value)
    assert "\n" not in said
    assert "`ask` of the strategy " in said and "Always' returned " in said
    assert told in said
    assert not analognas.Run.open(tmp_path / "run").directory.trials()


def test_a_candidate_that_breaks_a_bound_is_passed_over_and_no_mistake(tmp_path) -> None:
    with pytest.raises(analognas.NoFeasibleArchitectureError, match="no candidate was found"):
        tiny(tmp_path / "run", strategy=Always((40,)), constraints={"parameters": 200})


def test_strategies_as_objects_are_compared(tmp_path) -> None:
    comparison = analognas.compare(
        strategies={"mine": WidestFirst(), "chance": "random"},
        seeds=1,
        out=tmp_path / "comparison",
        observer="silent",
        **{"task": arrays(), "space": Perceptrons(), **TINY, "search": {"trials": 2}, "executor": "serial"},
    )
    assert [summary.strategy for summary in comparison.summaries] == ["mine", "chance"]
    assert (tmp_path / "comparison" / "mine" / "seed-0" / "config.yaml").exists()


def parsed(config=None, **sections):
    document, folder = document_from(config, {"task": "digits", **sections})
    return validate_document(document, folder)


def test_sections_are_laid_over_a_configuration() -> None:
    base = {"task": {"kind": "entry-point", "name": "mine"}, "search": {"trials": 20, "batch": 2}, "seed": 4}
    config = parsed(base, task=None, search={"trials": 12}, strategy="random", seed=5)
    assert (config.search.trials, config.search.batch, config.seed) == (12, 2, 5)
    assert (config.search.strategy.kind, config.task.name) == ("random", "mine")


def test_objects_may_stand_in_a_mapping_and_be_built_in_ones() -> None:
    space = ResNetSpace(input_shape=(1, 8, 8), n_classes=10)
    config = parsed({"space": space, "search": {"strategy": WidestFirst()}, "hardware": CHIP})
    assert config.space.object.value is space
    assert config.search.strategy.object.says == "WidestFirst(pool=8)"
    assert config.hardware.tile.rows == 128


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            {"space": object()},
            "`space` must be a search space, got object.*`sample`, `mutate`, `encode`, `build`",
        ),
        ({"space": Perceptrons}, r"`space` must be an object, got the class Perceptrons: pass Perceptrons\("),
        ({"strategy": 3}, "`strategy` must be a strategy, got int.*`ask`"),
        ({"surrogate": WidestFirst()}, "`surrogate` must be a surrogate, got WidestFirst.*`fit`"),
        ({"hardware": 3}, "`hardware` must be .* got int"),
        ({"task": 3}, "`task` must be .* got int"),
        ({"task": (np.ones(3),)}, "`task`: arrays are .* got 1"),
        ({"task": {"x": np.ones((4, 2, 2)), "z": 1}}, "`task`: arrays are named .* got 'z'"),
        ({"task": (np.ones((4, 2, 2)), np.arange(3))}, "`task`: `x` and its labels .* got 4 and 3"),
        ({"task": (np.array([object()] * 4), np.ones(4))}, "`task`: `x` must be an array of numbers"),
        ({"spaec": {}}, "no section or argument `spaec`, did you mean `space`?"),
        ({"search": {"trials": "many"}}, "search.trials: must be a whole number, got 'many'"),
        ({"executor": "seriel"}, "executor seriel: unknown kind 'seriel', did you mean `serial`?"),
        ({"seed": {3: 4}}, "seed: keys must be texts, got 3"),
        ({"name": object()}, "name: must hold numbers, texts"),
    ],
)
def test_a_wrong_object_is_told_in_one_line(sections, message) -> None:
    with pytest.raises(analognas.UserError, match=message) as caught:
        parsed(**sections)
    assert "\n" not in str(caught.value)


def test_a_file_cannot_hold_an_object() -> None:
    with pytest.raises(analognas.UserError, match="`value` cannot be written in a file"):
        parsed({"space": {"kind": "object", "object": {"type": "os.system", "value": "rm"}}})
    config = parsed({"space": {"kind": "object", "object": {"type": "os.system"}}})
    with pytest.raises(analognas.UserError, match=r"`space` is a Python object \(os.system\)"):
        config.space.build((1, 8, 8), 10)


def test_objects_are_given_by_their_arguments() -> None:
    assert given_objects({"space": None}) == {}
    with pytest.raises(analognas.UserError, match="no argument `spcae`, did you mean `space`"):
        given_objects({"spcae": Perceptrons()})
    with pytest.raises(analognas.UserError, match="`strategy` must be the object that the run began with"):
        given_objects({"strategy": "random"})
