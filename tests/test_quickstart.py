"""The one command of the README, with stand-ins for what it installs and runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "scripts"


def _stand_in(path: Path) -> None:
    path.write_text('#!/bin/sh\necho "$(basename "$0") $*"\n')
    path.chmod(0o755)


def test_its_options_go_to_the_search_and_not_to_the_installation(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("setup.sh", "quickstart.sh", "constraints.txt"):
        shutil.copy(SCRIPTS / name, tmp_path / "scripts")
    (tmp_path / "pyproject.toml").touch()
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    _stand_in(programs / "python")
    _stand_in(programs / "analognas")
    done = subprocess.run(
        ["bash", str(tmp_path / "scripts" / "quickstart.sh"), "--seed", "1", "--out", "runs/one"],
        env={**os.environ, "ANALOGNAS_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    installed, searched = done.stdout.splitlines()
    assert installed.endswith(f"--editable {tmp_path}")
    assert searched == "analognas search configs/digits.yaml --seed 1 --out runs/one"
