import random
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(autouse=True)
def _beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let scripts find the modules beside them, as they do when they are started."""
    monkeypatch.syspath_prepend(str(SCRIPTS / "reproduce"))


def _example(*options: str) -> subprocess.CompletedProcess[str]:
    return _run("example_drift.py", *options)


def _run(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / script), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_example_goes_from_a_model_to_a_plot_of_ten_years(tmp_path: Path) -> None:
    page = tmp_path / "drift.html"
    result = _example("--chips", "2", "--epochs", "2", "--out", str(page))
    assert result.returncode == 0, result.stderr
    assert "trained hardware-aware, 10 years:" in result.stdout
    assert "1 month" in page.read_text(encoding="utf-8")


def test_the_example_takes_any_model_and_arrays_and_leaves_out_what_was_not_measured(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)), np.arange(40) % 3
    np.savez(tmp_path / "my.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    code = "from torch import nn\n\ndef net():\n    return nn.Sequential(nn.Linear(6, 3))\n\nWIDTH = 6\n"
    (tmp_path / "mine.py").write_text(code)
    page, model, data = tmp_path / "drift.html", str(tmp_path / "mine.py"), str(tmp_path / "my.npz")
    short = ("--chips", "2", "--epochs", "0", "--hardware", "reram-wan2022", "--out", str(page))
    result = _example("--model", f"{model}:net", "--data", data, *short)
    assert result.returncode == 0, result.stderr
    assert "mapped as it is, 1 day:" in result.stdout
    assert "left out, 1 year: `0 <= t_s <= 172800` must hold" in result.stdout
    assert "hardware-aware" not in result.stdout
    assert "1 day" in page.read_text(encoding="utf-8")


def test_what_is_wrong_with_the_example_is_told_before_the_work(tmp_path: Path, monkeypatch, capsys) -> None:
    x, y = np.ones((6, 6)), np.arange(6) % 3
    good = {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
    changes = {
        "good": {},
        "texts": {"y_test": y.astype(str)},
        "short": {"y_train": y[:4]},
        "classes": {"y_test": y + 90},
        "nan": {"x_train": x * np.nan},
        "empty": {"x_train": x[:0], "y_train": y[:0]},
        "wide": {"x_train": np.ones((6, 7))},
    }
    for name, change in changes.items():
        np.savez(tmp_path / f"{name}.npz", **{**good, **change})
    model = tmp_path / "mine.py"
    model.write_text(
        "from torch import nn\n\ndef net():\n    return nn.Linear(6, 3)\n\n"
        "def lost():\n    return nn.Linear(WIDTH, 3)\n\nHEIGHT = 6\n"
    )
    (tmp_path / "broken.py").write_text("def net(:\n")
    mine, data = ("--model", f"{model}:net"), ("--data", str(tmp_path / "good.npz"))
    wrong = {
        "`--chips >= 1` must hold": ("--chips", "0"),
        "`--epochs >= 0` must hold": ("--epochs", "-1"),
        "`--out` must be a file in a folder": ("--out", str(tmp_path / "no" / "drift.html")),
        "has no function `HEIGHT`": ("--model", f"{model}:HEIGHT"),
        "NameError": ("--model", f"{model}:lost"),
        "SyntaxError": ("--model", f"{tmp_path / 'broken.py'}:net"),
        "must be an .npz file": ("--data", str(model)),
        "`y_test` must be (6,) classes": ("--data", str(tmp_path / "texts.npz")),
        "`y_train` must be (6,) classes": ("--data", str(tmp_path / "short.npz")),
        "one score a class, (rows, 93)": ("--data", str(tmp_path / "classes.npz")),
        "`x_train` must hold at least one row of finite": ("--data", str(tmp_path / "nan.npz")),
        "got float64 (0, 6)": ("--data", str(tmp_path / "empty.npz")),
        "the model must run on `x_train` (6, 7)": ("--data", str(tmp_path / "wide.npz")),
    }
    for words, options in wrong.items():
        monkeypatch.setattr(sys, "argv", ["example_drift.py", "--epochs", "0", *mine, *data, *options])
        with pytest.raises(SystemExit) as end:  # in this process: importing torch takes seconds
            runpy.run_path(str(SCRIPTS / "example_drift.py"), run_name="__main__")
        said = capsys.readouterr().err
        assert (end.value.code, said.count("\n")) == (2, 1), said
        assert words in said


@pytest.mark.parametrize("script", ["bench_hwsim.py", "bench_fused_ablation.py"])
def test_a_benchmark_refuses_nothing_to_measure(script: str) -> None:
    result = _run(script, "--chips", "0")
    assert (result.returncode, "`--chips >= 1` must hold, got 0" in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize(
    ("script", "options", "words"),
    [
        ("bench_random_features.py", ("--rows", "0"), "`--rows >= 1` must hold, got 0"),
        ("reproduce/kernel_ridge.py", ("--seeds", "0"), "`--seeds >= 1` must hold, got 0"),
        (
            "reproduce/kernel_ridge.py",
            ("--out", "no/such/file"),
            "`--out` must be a file in a folder that exists",
        ),
        (
            "reproduce/performer.py",
            ("listops", "--longest", "20"),
            "`0 < --shortest < --longest - 1` must hold",
        ),
        ("reproduce/performer.py", ("cifar", "--chips", "0"), "`--chips >= 1` must hold, got 0"),
        (
            "reproduce/omniglot.py",
            ("test", "--checkpoint", "none.pt"),
            "`--checkpoint` must be a file of `train`",
        ),
        ("reproduce/omniglot.py", ("train", "--ways", "0"), "`--ways >= 1` must hold, got 0"),
        ("reproduce/char_lstm.py", ("--chips", "1"), "`--chips >= 2` must hold, got 1"),
        ("reproduce/char_lstm.py", ("--hidden", "0"), "`--hidden > 0` must hold, got 0"),
        ("reproduce/network_kinds.py", ("--chips", "1"), "must hold, got 5 and 1"),
    ],
)
def test_what_is_wrong_with_a_reproduction_is_told_before_the_work(
    script: str, options: tuple[str, ...], words: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [script, *options])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(SCRIPTS / script), run_name="__main__")
    assert end.value.code == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_expressions_of_listops_have_the_values_that_a_reader_finds() -> None:
    script = runpy.run_path(str(SCRIPTS / "reproduce" / "performer.py"))
    rng = random.Random(0)

    def read(symbols: list[str]) -> int:
        symbol = symbols.pop(0)
        if symbol not in script["OPERATORS"]:
            return int(symbol)
        values = []
        while symbols[0] != "]":
            values.append(read(symbols))
        symbols.pop(0)
        ordered = sorted(values)
        middle = (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) // 2
        return {"MIN": min(values), "MAX": max(values), "MED": middle, "SM": sum(values) % 10}[symbol]

    lengths = []
    for _ in range(300):
        value, symbols = script["tree"](rng, 1, 5, 6)
        lengths.append(len(symbols))
        assert read(symbols) == value and not symbols
    assert max(lengths) > 20 and min(lengths) == 1


def test_an_episode_asks_for_other_drawings_of_its_classes() -> None:
    script = runpy.run_path(str(SCRIPTS / "reproduce" / "omniglot.py"))
    images = torch.arange(50 * 20).view(50, 20, 1).float()  # a number is its character and its drawer
    generator = torch.Generator().manual_seed(0)
    for ways, shots in ((5, 1), (20, 5), (40, 5)):
        supports, queries, own = script["episode"](images, ways, shots, generator, 32)
        assert supports.shape == (ways * shots, 1) and len(queries) == len(own) == 32
        characters = supports.view(ways, shots).div(20, rounding_mode="floor")
        assert (characters == characters[:, :1]).all() and len(characters[:, 0].unique()) == ways
        assert torch.equal(queries[:, 0].div(20, rounding_mode="floor"), characters[own, 0])
        assert len(torch.cat([supports[:, 0], queries[:, 0]]).unique()) == ways * shots + 32
