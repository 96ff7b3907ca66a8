#!/usr/bin/env bash
# Opens the study of a run with the real optuna-dashboard, in an environment of its own, and asks it for the trials:
#     bash scripts/try_optuna_dashboard.sh RUN_DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."
run=$(realpath "${1:?the directory of a run}")
. scripts/setup.sh ""  # without arguments, it would take the run for an extra
scratch=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$scratch"' EXIT
analognas export "$run" --format study --out "$scratch" >/dev/null
python -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet --no-compile 'optuna-dashboard>=0.20' 'optuna>=5,<6'
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$scratch/venv/bin/optuna-dashboard" "sqlite:///$scratch/study.db" --host 127.0.0.1 --port "$port" >"$scratch/log" 2>&1 &
server=$!
python - "$run" "$port" <<'PYTHON'
import json
import sys
import time
import urllib.request

from analognas import Run

trials = Run.open(sys.argv[1]).directory.trials()
for _ in range(60):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[2]}/api/studies/1") as answer:
            shown = json.load(answer)["trials"]
        break
    except OSError:
        time.sleep(1)
else:
    sys.exit("optuna-dashboard did not answer within a minute")
failed = sum(trial["state"] == "Fail" for trial in shown)
assert len(shown) == len(trials), (len(shown), len(trials))
assert failed == sum(trial.failure is not None for trial in trials), failed
print(f"optuna-dashboard shows {len(shown)} trials, {failed} failed")
PYTHON
