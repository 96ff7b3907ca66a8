#!/usr/bin/env bash
# Builds the wheel, installs it into an empty environment and runs a small search and the three tours of the documentation
# from another folder, so that what is tried is what users install.
set -euo pipefail
cd "$(dirname "$0")/.."
pages=$PWD/docs
. scripts/setup.sh dev
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python -m build --wheel --outdir "$scratch/dist" . >"$scratch/build.log" 2>&1 || { cat "$scratch/build.log" >&2; exit 1; }
python -m venv "$scratch/venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$scratch/venv/bin/python" -m pip install --quiet --no-compile --constraint scripts/constraints.txt "$scratch"/dist/*.whl
cd "$scratch"
export PATH="$scratch/venv/bin:$PATH"
analognas init search.yaml >/dev/null
analognas search search.yaml --out run \
    --set search.trials=5 --set search.strategy.initial=4 --set search.batch=1 \
    --set training.digital.epochs=3 --set training.hardware_aware.epochs=1 --set 'constraints.avm=1' \
    --set training.digital.updates=0 --set training.hardware_aware.updates=0 --set evaluation.chips=2 \
    --set final.digital_epochs=3 --set final.hardware_aware_epochs=1 --set final.chips=2 --set final.finalists=1 --set final.seeds=1 \
    --set final.digital_updates=0 --set final.hardware_aware_updates=0
for file in config.yaml environment.json trials.jsonl summary.csv pareto.csv report.html best/model.py best/model.onnx; do
    [ -s "run/$file" ] || { echo "the wheel's search did not write run/$file" >&2; exit 1; }
done
for tour in chips hwsim search; do
    sed -n '/^```python$/,/^```$/{/^```/!p}' "$pages/tour-$tour.md" > "tour-$tour.py"
    python -W error "tour-$tour.py" >/dev/null || { echo "docs/tour-$tour.md does not run with the wheel" >&2; exit 1; }
done
for file in layers.html drift.html course.html; do
    [ -s "$file" ] || { echo "the tours did not draw $file" >&2; exit 1; }
done
echo "the wheel works from another folder"
