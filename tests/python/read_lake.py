"""Attaches a store's lake in DuckDB and answers queries: one per line in, one JSON line of rows out.

usage: read_lake.py DATA/aqueduct.db        (the catalog is attached as "lake")
"""

import json
import pathlib
import sys
import sysconfig

import duckdb

connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
packages = pathlib.Path(sysconfig.get_paths()["purelib"])
for name in ("sqlite_scanner", "ducklake"):
    found = list(packages.glob(f"duckdb_extension_{name}/extensions/*/{name}.duckdb_extension"))
    if not found:
        sys.exit(f"the package duckdb-extension-{name.replace('_', '-')} of tests/python/requirements.txt is missing")
    connection.execute(f"LOAD '{found[0]}'")
connection.execute(f"ATTACH 'ducklake:sqlite:{sys.argv[1]}' AS lake")
print("attached", flush=True)
for line in sys.stdin:
    try:
        answer = {"rows": connection.execute(line).fetchall()}
    except duckdb.Error as error:
        answer = {"error": str(error).splitlines()[0]}
    print(json.dumps(answer, default=str), flush=True)
