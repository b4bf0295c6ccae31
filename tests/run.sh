#!/usr/bin/env bash
# Builds once and runs every test; the runner's closing lines are the last.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo nextest run --workspace --no-fail-fast --failure-output final --status-level slow "$@"
