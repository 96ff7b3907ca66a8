"""Nothing but `analognas data fetch` asks the network: not an import, not a search."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
REFUSING = """
import sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        raise RuntimeError(event)

sys.addaudithook(refuse)
"""
IMPORTING = """
import importlib, pkgutil
import analognas, hwsim, search_spaces, surrogates

for package in (analognas, hwsim, search_spaces, surrogates):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""
SEARCHING = """
import analognas

analognas.search(
    {
        "task": {"kind": "digits"},
        "space": {"kind": "resnet", "oc0": [4, 8], "m": [1, 1], "r": [1, 1], "b": [1, 1]},
        "training": {"digital": {"epochs": 1}, "hardware_aware": {"epochs": 1}},
        "evaluation": {"chips": 2},
        "search": {"trials": 2, "strategy": {"kind": "random"}},
        "final": {"digital_epochs": 1, "hardware_aware_epochs": 1, "chips": 2},
        "constraints": {"avm": 1},
        "references": [],
        "executor": {"kind": "serial"},
    },
    out="run",
)
"""
FETCHING = """
from pathlib import Path
from analognas.errors import UserError
from analognas.tasks.store.fetch import fetch
from analognas.tasks.store.sources import SOURCES

try:
    fetch(SOURCES["fsdd"], Path("here"), print)
except RuntimeError:
    print("refused")
"""


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", REFUSING + code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_hook_would_notice(tmp_path) -> None:
    assert "refused" in run(FETCHING, tmp_path).stdout


def test_every_module_is_imported_and_a_search_runs_without_a_network(tmp_path) -> None:
    done = run(IMPORTING + SEARCHING, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.html").exists()
