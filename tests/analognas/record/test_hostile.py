"""Configurations and run directories from strangers: nothing in them is executed, followed or believed."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hwsim
from analognas.config.loader import dump_config, load_config
from analognas.errors import UserError
from analognas.executors.attempts import Attempt
from analognas.export.checksums import write_checksums
from analognas.record.directory import create_run, open_run
from analognas.record.journal import Journal, read_trials
from analognas.record.whole_folder import write_folder
from analognas.report import ReportData, write_report
from analognas.runs.architecture_file import load_weights, read_architecture
from analognas.strategies import Objective
from surrogates import Committee, XGBoostSurrogate, load_surrogate
from tests.analognas.executors.evaluations import a_job
from tests.analognas.parse import parse_config
from tests.analognas.record.builders import a_trial
from tests.analognas.runs.test_earlier_run import WRITTEN
from tests.analognas.small_search import ROOT, SMALL, environment, write_small


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch PWNED']",
        "!!python/name:os.system",
        "!!python/object/new:subprocess.Popen [[touch, PWNED]]",
        "!include /etc/passwd",
        "*alias",
        "!!float ''",
    ],
)
def test_yaml_tags_and_aliases_run_nothing(tmp_path, monkeypatch, value) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^config:1:"):
        parse_config(f"name: {value}\n", tmp_path)
    assert not (tmp_path / "PWNED").exists()


@pytest.mark.parametrize(("key", "shown"), [(r"a\nb", r"'a\nb'"), (r"\e[31m", r"'\x1b[31m'")])
def test_a_key_is_told_on_one_line(tmp_path, key, shown) -> None:
    with pytest.raises(UserError) as caught:
        parse_config(f'{SMALL}"{key}": 1\n', tmp_path)
    assert str(caught.value).startswith(f"config:17:1: {shown}: unknown key")
    assert "\n" not in str(caught.value)


def test_data_are_not_read_from_a_device(tmp_path) -> None:
    with pytest.raises(UserError, match="must be a file, /dev/zero is no plain file"):
        parse_config(SMALL.replace("{kind: digits}", "{kind: arrays, path: /dev/zero}"), tmp_path)


@pytest.mark.parametrize(
    "name", ["../escape", "/escape", "a/b", "..", ".hidden", "a\nb", "x" * 65, "", "a\0b"]
)
def test_a_name_leads_nowhere_else(tmp_path, name) -> None:
    with pytest.raises(UserError, match="name"):
        parse_config(SMALL.replace("name: small", f"name: {json.dumps(name)}"), tmp_path)


@pytest.mark.parametrize(
    "own", ["config.yaml", "environment.json", "trials.jsonl", "best", "surrogate", "logs", "trials"]
)
def test_links_in_a_run_directory_are_refused(tmp_path, own) -> None:
    run = create_run(tmp_path / "run", dump_config(load_config(write_small(tmp_path))[0]), {})
    victim = tmp_path / "victim"
    if "." in own:
        (run.path / own).rename(victim)
    else:
        victim.mkdir()
    (run.path / own).symlink_to(victim)
    with pytest.raises(UserError, match="is a symbolic link"):
        open_run(run.path)


def test_a_journal_behind_a_link_is_never_cut(tmp_path) -> None:
    victim = tmp_path / "diary.txt"
    victim.write_text("one line without its end")
    (tmp_path / "trials.jsonl").symlink_to(victim)
    with pytest.raises(UserError, match="cannot be opened for writing"):
        Journal(tmp_path / "trials.jsonl")
    assert victim.read_text() == "one line without its end"


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"number": NaN}',
        b"\x80\x04\x95 a pickle",
        b'{"__class__": "os.system"}',
    ],
)
def test_absurd_lines_are_damaged_records(tmp_path, line) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_bytes(line + b"\n")
    with pytest.raises(UserError, match=r"trials\.jsonl:1: damaged record"):
        read_trials(path)


def test_weights_with_an_absurd_size_are_refused(tmp_path) -> None:
    from torch import nn

    path = tmp_path / "model.safetensors"
    header = json.dumps({"w": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}).encode()
    for content in (
        len(header).to_bytes(8, "little") + header,
        (2**62).to_bytes(8, "little") + b"{}",
        b"\x80\x04cos\nsystem\n",
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match="not readable weights"):
            load_weights(nn.Linear(2, 2), path, (1, 1, 2))


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
def test_weights_that_are_not_finite_are_refused(value, tmp_path) -> None:
    from safetensors.torch import save_file
    from torch import nn

    network, path = nn.Linear(2, 2), tmp_path / "model.safetensors"
    named = {f"network.{name}": tensor.detach().double() for name, tensor in network.state_dict().items()}
    named["network.bias"][1] = value
    save_file(named, path, {"names": "state_dict"})
    with pytest.raises(UserError, match="must be finite, those of `bias` are not; restore it"):
        load_weights(network, path, (1, 1, 2))


def test_weights_that_are_not_those_of_the_checksums_are_refused(tmp_path) -> None:
    from safetensors.torch import save_file
    from torch import nn

    network, path = nn.Linear(2, 2), tmp_path / "model.safetensors"
    named = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    save_file(named, path, {"names": "state_dict"})
    load_weights(network, path, (1, 1, 2))  # nothing beside it that tells
    write_checksums(tmp_path)
    load_weights(network, path, (1, 1, 2))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="not those of SHA256SUMS beside it"):
        load_weights(network, path, (1, 1, 2))


def test_an_architecture_file_that_is_no_object_is_told(tmp_path) -> None:
    path = tmp_path / "architecture.json"
    path.write_text("[1, 2]")
    with pytest.raises(UserError, match=r"must hold a JSON object; .*`analognas resume` exports .* again"):
        read_architecture(path)


def test_hardware_of_a_chip_in_an_architecture_has_its_whole_path(tmp_path) -> None:
    content = json.loads((WRITTEN / "best" / "architecture.json").read_text())
    chip = hwsim.chip("hermes-64core").model_dump(mode="json")
    path = tmp_path / "architecture.json"
    path.write_text(json.dumps({**content, "chip": chip}))
    assert read_architecture(path).content.chip == hwsim.chip("hermes-64core")
    chip["hardware"]["converters"]["adc_bits"] = 1
    path.write_text(json.dumps({**content, "chip": chip}))
    with pytest.raises(
        UserError, match=r"architecture\.json: chip: `hardware\.converters\.adc_bits`: .*got 1"
    ):
        read_architecture(path)


def test_a_pipe_in_the_place_of_a_log_holds_nothing_up(tmp_path) -> None:
    attempt = Attempt(a_job(1))
    pipe = tmp_path / f"{attempt.job.key}.log"
    os.mkfifo(pipe)
    code = (
        "from pathlib import Path; from analognas.executors.trial_log import output_to, write_log\n"
        "from analognas.executors.attempts import Attempt; from tests.analognas.executors.evaluations import a_job\n"
        f"write_log(Path({str(tmp_path)!r}), Attempt(a_job(1)), 'text')\n"
        f"with output_to(Path({str(pipe)!r})): print('shown')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (0, "shown\n"), done.stderr


def test_links_in_the_folder_of_a_surrogate_are_not_written_through(tmp_path) -> None:
    folder, victim = tmp_path / "surrogate", tmp_path / "victim"
    victim.write_text("precious")
    (folder / "member0").mkdir(parents=True)
    (folder / "manifest.json").symlink_to(victim)
    (folder / "member0" / "target0-member0.ubj").symlink_to(victim)
    features = pd.DataFrame({"x": np.arange(8.0)})
    targets = pd.DataFrame({"y": np.arange(8.0) % 3})
    fitted = Committee((XGBoostSurrogate(members=1, trees=1),)).fit(
        features, targets, np.random.default_rng(0)
    )
    write_folder(folder, fitted.save)
    assert victim.read_text() == "precious"
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    assert load_surrogate(folder).predict(features).mean.shape == (8, 1)


def a_pipe_that_nobody_writes(path: Path) -> None:
    os.mkfifo(path)


def a_device_without_end(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [a_pipe_that_nobody_writes, a_device_without_end])
def test_weights_are_a_plain_file(tmp_path, make) -> None:
    from torch import nn

    make(tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=r"not readable weights .not a plain file"):
        load_weights(nn.Linear(2, 2), tmp_path / "model.safetensors", (1, 1, 2))


def test_names_from_a_record_are_text_in_the_report(tmp_path) -> None:
    evil = "<script>alert(1)</script>"
    trials = [
        a_trial(1, origin=evil, architecture={"OC0": evil}),
        a_trial(2, failed=True, origin=f'"><img src=x onerror=alert(1)>{evil}'),
    ]
    data = ReportData(
        name=evil, subject={evil: evil}, trials=trials, result=None, upper_bounds={},
        objectives=[Objective("accuracy_1d", 1)], choice="best",
        config_text=evil, environment={"python": evil}, command=evil,
    )  # fmt: skip
    path = Path(tmp_path / "report.html")
    write_report(path, data)
    text = path.read_text()
    assert evil not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;" in text
