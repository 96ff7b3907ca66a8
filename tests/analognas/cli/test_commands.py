"""The command line in this process: usage, errors, exit codes. Whole searches are in test_end_to_end.py."""

import json
import os
import re
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import yaml

from analognas.compose import compose
from analognas.config.loader import load_config
from analognas.errors import UserError
from analognas.record.directory import create_run
from analognas.runs.lifecycle import new_run
from tests.analognas.cli.command_line import files, invoke
from tests.analognas.parse import parse_config
from tests.analognas.small_search import ROOT, SMALL, environment

LONG = "/".join(["x" * 200] * 30)
"""No path of a file may have that many bytes."""


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom typer.testing import CliRunner\nfrom analognas.cli.main import app\n"
        "result = CliRunner().invoke(app, ['--help'])\nprint(result.output)\n"
        "print(sorted({'torch', 'numpy', 'pandas', 'pydantic', 'xgboost', 'sklearn', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment()
    )
    for name in (
        "init",
        "search",
        "resume",
        "status",
        "watch",
        "validate",
        "export",
        "report",
        "describe",
        "schema",
    ):
        assert f"  {name} " in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_init_writes_a_valid_search_and_never_replaces_a_file_unasked(here) -> None:
    assert invoke("init", "my.yaml").exit_code == 0
    assert load_config(here / "my.yaml")[0].name == "digits"
    again = invoke("init", "my.yaml")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert invoke("init", "my.yaml", "--force", "--task", "arrays").exit_code == 0
    assert "kind: arrays" in (here / "my.yaml").read_text()
    absent = invoke("init", "absent/my.yaml")
    assert absent.exit_code == 2
    assert absent.stderr == "absent/my.yaml: there is no folder absent, make it first\n"
    os.mkfifo(here / "pipe")
    (here / "folder").mkdir()
    for name in ("pipe", "folder"):
        other = invoke("init", name, "--force")
        assert other.exit_code == 2
        assert other.stderr == f"{name}: exists already and is no file; choose another name\n"
    assert (here / "pipe").is_fifo()
    assert invoke("init", "x.yaml", "--task", "mnist").stderr.startswith("--task: unknown task 'mnist'")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("task: {kind: digit}\n", "bad.yaml:1:14: task.kind: unknown kind 'digit', did you mean `digits`?"),
        ("seed: 1\nseed: 2\n", "bad.yaml:2:1: seed: this key was given before"),
        ("- a\n", "bad.yaml:1:1: must be a mapping"),
        ("", "bad.yaml:1:1: the file is empty"),
        (
            "task: {kind: digits}\nconstraints: {parameters: 10}\n",
            "bad.yaml:2:14: constraints: of 10,000 sampled candidates 0 are admissible: `parameters <= 10` rejects",
        ),
        (
            "task: {kind: digits}\nconstraints: {tiles: 2}\n",
            "bad.yaml:2:14: constraints: of 10,000 sampled candidates 0 are admissible: `tiles <= 2` rejects 10,000 "
            "(the smallest found has 4)",
        ),
        ("task: {kind: arrays, path: objects.npz}\n", "bad.yaml:1:7: task: "),
    ],
)
def test_a_bad_configuration_exits_with_2_and_creates_nothing(here, content, message) -> None:
    np.savez(here / "objects.npz", x=np.array([{}] * 9, dtype=object), y=np.zeros(9))
    (here / "bad.yaml").write_text(content)
    before = files(here)
    done = invoke("search", "bad.yaml")
    assert done.exit_code == 2
    assert done.stderr.startswith(message)
    assert files(here) == before


def test_an_output_directory_in_use_is_refused_before_anything_else(here) -> None:
    (here / "small.yaml").write_text(SMALL)
    (here / "used").mkdir()
    (here / "used" / "notes.txt").write_text("mine")
    done = invoke("search", "small.yaml", "--out", "used")
    assert done.exit_code == 2
    assert done.stderr.startswith("used: the output directory is in use; choose another with --out")
    assert files(here) == ["small.yaml", "used", "used/notes.txt"]


@pytest.mark.parametrize("final", [True, False])
def test_when_no_trial_is_feasible_the_best_compromise_is_exported_and_said(here, final) -> None:
    (here / "small.yaml").write_text(SMALL)
    changes = [
        "constraints.std_1d=1e-9",
        "search.trials=4",
        "search.strategy.initial=4",
        "training.digital.epochs=1",
        "final.digital_epochs=1" if final else "final=none",
    ]
    done = invoke(
        "search", "small.yaml", "--out", "run", *(part for change in changes for part in ("--set", change))
    )
    assert done.exit_code == 0
    told = next(line for line in done.stderr.splitlines() if "best compromise" in line)
    assert ("the trainings at full budget decide what is exported" in told) == final
    trials = [json.loads(line) for line in (here / "run" / "trials.jsonl").read_text().splitlines()]
    number = int(re.search(r"trial (\d+)", told)[1])
    metrics = next(trial["metrics"] for trial in trials if trial["number"] == number)
    if final:
        told = next(
            line for line in done.stdout.splitlines() if "the exported network breaks a bound" in line
        )
        metrics = json.loads((here / "run" / "best" / "metrics.json").read_text())["network"]["metrics"]
    raised = float(re.search(r"`constraints.std_1d` to (\S+)", told)[1])
    assert metrics["std_1d"] <= raised <= 1.2 * metrics["std_1d"] + 1e-9
    assert "best compromise" in (here / "run" / "report.html").read_text()
    assert (here / "run" / "best" / "model.safetensors").exists() == final


def test_a_candidate_that_diverges_is_a_failed_trial(here) -> None:
    (here / "small.yaml").write_text(SMALL)
    changes = ["training.digital.learning_rate=1e30", "search.trials=4", "search.strategy.initial=4"]
    done = invoke(
        "search", "small.yaml", "--out", "run", *(part for change in changes for part in ("--set", change))
    )
    assert done.exit_code == 3
    assert "all 4 trials failed" in done.stderr
    assert "run/trials.jsonl has the reason of each; mend the cause, and start a new search" in done.stderr
    trials = [json.loads(line) for line in (here / "run" / "trials.jsonl").read_text().splitlines()]
    assert all(trial["status"] == "failed" and trial["failure"]["reason"] for trial in trials)


def test_when_every_trial_is_stopped_early_the_rule_is_to_be_changed(here) -> None:
    (here / "small.yaml").write_text(SMALL)
    changes = (
        *("training.early_stop={epoch: 1, accuracy: 99.9 %}", "search.trials=2"),
        *("search.strategy.kind=random", "search.batch=1"),
    )
    done = invoke(
        "search", "small.yaml", "--out", "run", *(part for change in changes for part in ("--set", change))
    )
    assert done.exit_code == 3
    assert done.stderr.splitlines()[-1] == (
        "run: all 2 trials failed, the last one: stopped early: validation accuracy below 0.999 after 1 of 2 digital "
        "epochs; lower `training.early_stop.accuracy` or raise its `epoch`, and start a new search"
    )


@pytest.mark.parametrize("command", ["resume", "replay", "status", "watch", "report"])
def test_an_empty_configuration_of_a_run_is_to_be_restored(here, command) -> None:
    create_run(here / "run", "", {})
    done = invoke(command, "run")
    assert done.exit_code == 2
    assert done.stderr == (
        "run/config.yaml:1:1: the file is empty; this run cannot be continued without what it began with: "
        "restore the file from a copy\n"
    )


@pytest.mark.parametrize("command", ["resume", "status", "watch", "report", "export", "validate"])
def test_what_is_no_run_is_refused(here, command) -> None:
    done = invoke(command, "absent")
    assert done.exit_code == 2
    assert done.stderr.startswith("absent: no such")
    (here / "folder").mkdir()
    done = invoke(command, "folder")
    assert done.exit_code == 2
    assert done.stderr.startswith("folder: n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["describe", "circuits"], "describe: unknown subject 'circuits'"),
        (["describe", "hardware", "pcm-analogna"], "did you mean `pcm-analognas`?"),
        (["export", ".", "--format", "onyx"], "--format: unknown format 'onyx', did you mean `onnx`?"),
        (["validate", ".", "--hardware", "pcm"], "--hardware: no preset 'pcm'"),
        (
            ["validate", ".", "--hardware", "no.yaml"],
            "no.yaml: no such file; docs/hwsim.md has hardware to start from",
        ),
        (["validate", ".", "--hardware", str(ROOT / "configs/digits.yaml")], "is a search, and not hardware"),
        (["search", "x.yaml", "--seed", "abc"], "analognas search: Invalid value for '--seed': "),
        (["serch"], "analognas: No such command 'serch'. Did you mean 'search'"),
        (["data", "fetch"], "data fetch: name a data set: fsdd, "),
        (["search"], "analognas search: Missing argument 'CONFIG'; `analognas search --help` explains it"),
        (
            ["export"],
            "analognas export: Missing argument 'DIR|ARCHITECTURE'; `analognas export --help` explains it",
        ),
        (["search", "x.yaml", "--color"], "analognas search: No such option: --color"),
        (["--colour"], "analognas: No such option: --colour; `analognas --help` explains it"),
        (["validate", ".", "--times", "1 moth"], "--times: must be seconds or a text such as `1 day`"),
        (["validate", ".", "--times", "-1 s"], "--times: must be at least 0 s, got '-1 s'"),
        (
            ["validate", ".", "--chips", "1"],
            "--chips must be a whole number from 2 to 1000, got 1; the spread",
        ),
        (["validate", ".", "--chips", "1001"], "--chips must be a whole number from 2 to 1000, got 1001"),
        *(
            (
                ["validate", ".", "--confidence", text],
                f"--confidence must be above 0, in points such as 0.2, got {text}; leave it out",
            )
            for text in ("0.0", "-1.0", "nan", "inf")
        ),
    ],
)
def test_wrong_arguments_are_named(here, arguments, message) -> None:
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("status", LONG), ("watch", LONG), ("search", "my.yaml", "--out", LONG), ("export", LONG)]
)
def test_a_path_that_is_too_long_is_told(here, arguments) -> None:
    invoke("init", "my.yaml")
    told = invoke(*arguments)
    assert told.exit_code == 2
    assert told.stderr.endswith(": File name too long; choose a shorter one, and give the command again\n")


def test_no_argument_shows_the_help(here) -> None:
    done = invoke()
    assert done.exit_code == 2
    assert "Commands:" in done.output


@pytest.mark.parametrize("subject", ["spaces", "hardware", "chips", "tasks", "strategies"])
def test_describe_explains_every_entry(subject) -> None:
    entries = json.loads(invoke("describe", subject, "--json").stdout)
    assert entries
    for name, summary in entries.items():
        assert summary
        content = json.loads(invoke("describe", subject, name, "--json").stdout)
        assert content["name"] == name
        assert all(option["meaning"] for option in content["options"]), content
        assert name in invoke("describe", subject, name).stdout


def test_describe_explains_the_hardware_of_a_file(here) -> None:
    Path("chip.yaml").write_text("name: my-chip\npreset: pcm-rasch2023\ntile: {rows: 96}\n")
    content = json.loads(invoke("describe", "hardware", "chip.yaml", "--json").stdout)
    assert content["name"] == "my-chip"
    assert content["summary"].startswith("Rasch et al.")
    assert {option["path"]: option["value"] for option in content["options"]}["tile.rows"] == 96
    assert invoke("describe", "hardware", "chip.yaml").stdout.startswith("my-chip: Rasch et al.")
    missing = invoke("describe", "hardware", "ship.yaml")
    assert (missing.exit_code, missing.stderr.count("\n")) == (2, 1)
    assert "ship.yaml: must be a YAML file of hardware" in missing.stderr
    assert invoke("describe", "spaces", "chip.yaml").exit_code == 2


def test_the_schema_names_every_section() -> None:
    schema = json.loads(invoke("schema").stdout)
    assert {"task", "space", "hardware", "search", "training", "final"} <= set(schema["properties"])


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_the_schema_accepts_the_ready_made_configurations(path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(invoke("schema").stdout)
    jsonschema.validate(yaml.safe_load(path.read_text()), schema)
    wrong = {**yaml.safe_load(path.read_text()), "seed": "none"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


@pytest.mark.parametrize("bound", [40000, "40 k", "<= resnet8", None])
def test_the_schema_accepts_a_bound_as_a_number_a_text_and_a_network(bound: object) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    config = yaml.safe_load((ROOT / "configs" / "digits.yaml").read_text())
    config["constraints"]["parameters"] = bound
    jsonschema.validate(config, json.loads(invoke("schema").stdout))


@pytest.mark.parametrize(
    ("executor", "accepted"),
    [
        ({}, True),
        ({"threads": 2, "workers": 2}, True),
        ({"kind": "auto", "trial_timeout": "30 min"}, True),
        ({"kind": "serial", "threads": 2}, True),
        ({"kind": "processes", "max_in_flight": 4}, True),
        ({"kind": "ray", "num_cpus": 2}, True),
        ({"num_cpus": 2}, False),
        ({"kind": "serial", "workers": 2}, False),
        ({"workers": 0}, False),
    ],
)
def test_the_schema_takes_a_section_without_kind_for_auto(executor, accepted) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(invoke("schema").stdout))
    config = {"task": {"kind": "digits"}, "executor": executor}
    assert validator.is_valid(config) == accepted
    with nullcontext() if accepted else pytest.raises(UserError):
        parse_config(yaml.safe_dump(config), Path())


def test_bench_compares_strategies_and_draws_them(here) -> None:
    arguments = ["--strategies", "random, local-search", "--budget", "12", "--seeds", "2"]
    (here / "folder.svg").mkdir()
    (here / "no.csv").write_text("a\n1\n1,2,3\n")
    done = invoke("bench", *arguments, "--json", "--plot", "regret.svg")
    assert done.exit_code == 0, done.stderr
    assert {place["strategy"] for place in json.loads(done.stdout)["strategies"]} == {
        "random",
        "local-search",
    }
    assert (here / "regret.svg").read_text().startswith("<svg")
    for wrong, message in (
        (["--strategies", "randon"], "did you mean random?"),
        (["--table", "absent.csv"], "absent.csv: no such file"),
        (["--table", str(here / "no.csv"), "--target", "x"], "a CSV file with a header"),
        (["--budget", "1000000"], "must hold, got 1000000"),
        (["--budget", "0"], "greater than or equal to 1, got 0;"),
        (["--seeds", "many"], "a valid integer, unable to parse string as an integer, got many;"),
        (["--plot", "regret.png"], "--plot writes SVG: the name must end in .svg, got regret.png"),
        (["--plot", "absent/regret.svg"], "there is no folder absent"),
        (["--plot", "folder.svg"], "--plot needs a file, folder.svg is a folder"),
    ):
        done = invoke("bench", *wrong)
        assert done.exit_code == 2
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_export_lists_its_formats(here) -> None:
    listed = invoke("export", "--format", "help").stdout
    assert listed == invoke("export", ".", "--format", "help").stdout
    assert {"json", "model.py", "onnx", "pt2", "safetensors", "analog"} <= {
        line.split()[0] for line in listed.splitlines() if not line.startswith(" ")
    }


def test_runs_started_in_the_same_second_do_not_meet(here) -> None:
    (here / "small.yaml").write_text(SMALL)
    config = load_config(here / "small.yaml")[0]
    composition = compose(config)
    runs = [new_run(composition, None) for _ in range(3)]
    assert len({run.path for run in runs}) == 3
