#!/usr/bin/env bash
# The main job, from nothing: sets up an environment, searches an architecture for handwritten digits on PCM hardware,
# trains and validates it, and writes the report. Options go to `analognas search`, for instance --seed 1.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh ""  # no extras; without an argument it would see the options given here
exec analognas search configs/digits.yaml "$@"
