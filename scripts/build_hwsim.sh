#!/usr/bin/env bash
# Builds the distribution of the simulator alone, sdist and wheel: bash scripts/build_hwsim.sh FOLDER
# The sources are those of this repository, the version is that of analognas.
set -euo pipefail
out=$(realpath -m "${1:?where to put sdist and wheel}")
cd "$(dirname "$0")/.."
. scripts/setup.sh dev
staged=$(mktemp -d)
cleanup() { rm -rf "$staged"; }
trap cleanup EXIT
cp packaging/hwsim/pyproject.toml LICENSE "$staged/"
sed 's/(\.\.\/\.\.\/README\.md)//; s/\[analognas\]/analognas/' packaging/hwsim/README.md >"$staged/README.md"
python -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])' >"$staged/VERSION"
cp -r hwsim "$staged/hwsim"
find "$staged" -name __pycache__ -prune -exec rm -rf {} +
python -m build --outdir "$out" "$staged" >"$staged/build.log" 2>&1 || { cat "$staged/build.log" >&2; exit 1; }
ls "$out"
