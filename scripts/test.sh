#!/usr/bin/env bash
# Every test, from nothing: sets up an environment, checks style, types and imports, runs the tests, and
# tries the built wheel in an empty environment. Options go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh dev
ruff format --check .
ruff check .
mypy
lint-imports
pytest -n "${ANALOGNAS_TEST_PROCESSES:-3}" "$@"
bash scripts/test_wheel.sh
