#!/usr/bin/env bash
# Builds the distribution of the simulator alone, installs it into an empty environment, and uses it from another folder: its README,
# its command line, a cost, and what it says where a library is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh dev
root=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bash scripts/build_hwsim.sh "$scratch/dist" >/dev/null
python -m venv "$scratch/venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$scratch/venv/bin/python" -m pip install --quiet --no-compile --constraint scripts/constraints.txt "$scratch"/dist/*.whl
unset PYTHONPATH
cd "$scratch"
python=$scratch/venv/bin/python
for library in analognas pandas scipy plotly scikit-learn optuna xgboost; do
    if "$python" -m pip show --quiet "$library" 2>/dev/null; then
        echo "the distribution of hwsim drags $library" >&2
        exit 1
    fi
done
sed -n '/^```python$/,/^```$/{/^```/!p}' "$root/packaging/hwsim/README.md" >readme.py
"$python" -W error readme.py
"$python" -m hwsim characterize --device pcm --g-us 5 25 --times-s 0 86400 >/dev/null
"$python" -W error - <<'PYTHON'
import importlib
import pkgutil
from importlib.metadata import version

import torch

import hwsim

assert hwsim.__version__ == version("hwsim") != "0+unknown", hwsim.__version__
ON_SCIKIT_LEARN = ("AnalogRandomFeatures", "hwsim.random_features.ridge", "hwsim.random_features.transformer")
for name in hwsim.__all__:
    if name not in ON_SCIKIT_LEARN:
        getattr(hwsim, name)
for module in pkgutil.walk_packages(hwsim.__path__, "hwsim."):
    if not module.name.endswith("__main__") and module.name not in ON_SCIKIT_LEARN:
        importlib.import_module(module.name)
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
found = hwsim.cost(model, "hermes-64core", input_shape=(1, 8, 8))
print(f"cost: {found.to_json()['energy_uj']['total']:.3g} µJ")
for library, use in (
    ("pandas", found.to_frame),
    ("plotly", found.plot),
    ("scikit-learn", lambda: hwsim.AnalogRandomFeatures),
):
    try:
        use()
    except ModuleNotFoundError as error:
        assert f"`pip install {library}`" in str(error), error
    else:
        raise AssertionError(f"{library} is not missing")
PYTHON
echo "hwsim alone works from another folder"
