import subprocess
import sys
from pathlib import Path

import numpy as np

SCRIPTS = Path(__file__).parents[2] / "scripts"


def _example(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / "example_drift.py"), *options]
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
    for wrong in (("--model", f"{model}:WIDTH"), ("--data", model), ("--chips", "0")):
        result = _example(*short, *wrong)
        assert (result.returncode, result.stderr.count("\n")) == (2, 1), result.stderr
