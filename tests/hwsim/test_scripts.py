import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"


def test_the_example_goes_from_a_model_to_a_plot_of_ten_years(tmp_path: Path) -> None:
    page = tmp_path / "drift.html"
    command = [sys.executable, str(SCRIPTS / "example_drift.py"), "--chips", "2", "--epochs", "2"]
    result = subprocess.run([*command, "--out", str(page)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "trained hardware-aware, 10 years:" in result.stdout
    assert "1 month" in page.read_text(encoding="utf-8")
