#!/usr/bin/env bash
# Installs what the tests compare Aqueduct with: Python libraries into a folder of their own,
# PostgreSQL and its psql when they are not there, cargo-nextest.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1

mark="$venv/.requirements"
if ! cmp -s tests/python/requirements.txt "$mark"; then
  echo "Installing the Python libraries that tests compare with into $venv"
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt
  cp tests/python/requirements.txt "$mark"
fi

# DuckDB's extensions come as packages; DuckDB looks for them in its own folder.
"$venv/bin/python" tests/python/duckdb_extensions.py

has_postgres() { command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
if ! has_postgres || ! command -v psql >/dev/null; then
  echo "Installing PostgreSQL"
  as_root=$([ "$(id -u)" = 0 ] || echo sudo)
  $as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq postgresql postgresql-client
fi

if ! cargo nextest --version >/dev/null 2>&1; then
  echo "Installing cargo-nextest"
  cargo install --locked --quiet cargo-nextest
fi
