#!/usr/bin/env bash
# Builds the documentation site strictly: bash scripts/build_docs.sh [FOLDER], by default site/. A broken link ends it.
set -euo pipefail
out=$(realpath -m "${1:-site}")
cd "$(dirname "$0")/.."
. scripts/setup.sh docs
export NO_MKDOCS_2_WARNING=1
mkdocs build --clean --strict --site-dir "$out"
