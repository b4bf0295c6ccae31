#!/usr/bin/env bash
# Installs what the tests compare Aqueduct with: Python libraries into a folder of their own,
# PostgreSQL and its psql when they are not there, what node and Java need when those are there, cargo-nextest.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1

requirements=(tests/python/requirements.txt tests/clients/requirements.txt)
mark="$venv/.requirements"
if ! cat "${requirements[@]}" | cmp -s - "$mark"; then
  echo "Installing the Python libraries that tests compare with into $venv"
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${requirements[@]/#/-r}"
  cat "${requirements[@]}" > "$mark"
fi

# DuckDB's extensions come as packages; DuckDB looks for them in its own folder.
"$venv/bin/python" tests/python/duckdb_extensions.py

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
installs() {
  as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq "$@"
}

has_postgres() { command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
if ! has_postgres || ! command -v psql >/dev/null; then
  echo "Installing PostgreSQL"
  installs postgresql postgresql-client
fi

# The drivers of languages that are here; without them their tests are skipped.
if command -v java >/dev/null && [ ! -e /usr/share/java/postgresql.jar ]; then
  echo "Installing the JDBC driver"
  installs libpostgresql-jdbc-java
fi
"$venv/bin/python" tests/clients/run.py --install

if ! cargo nextest --version >/dev/null 2>&1; then
  echo "Installing cargo-nextest"
  cargo install --locked --quiet cargo-nextest
fi
