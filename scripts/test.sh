#!/usr/bin/env bash
# Every test, from nothing: sets up an environment, checks style, types and imports, runs the tests, and
# tries the built wheel in an empty environment beside them. Options go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh dev
ruff format --check .
ruff check .
mypy
lint-imports
said=$(mktemp)
bash scripts/test_wheel.sh >"$said" 2>&1 &
wheel=$!
trap 'kill "$wheel" 2>/dev/null || true; rm -f "$said"' EXIT
pytest -n "${ANALOGNAS_TEST_PROCESSES:-3}" "$@"
wait "$wheel" || { cat "$said" >&2; exit 1; }
tail -n 1 "$said"
