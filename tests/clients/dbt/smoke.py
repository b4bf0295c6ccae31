"""Builds project/ twice, the second time with more rows arrived, and writes its catalog.

usage: PGPASSWORD=… smoke.py [--write]
    PGHOST, PGPORT, PGUSER, PGDATABASE, DBT_SCHEMA as in project/profiles.yml;
    --write makes a new expected_failures_smoke.txt
"""

import json
import pathlib
import sys
import tempfile

import expected
from dbt.cli.main import dbtRunner

PROJECT = pathlib.Path(__file__).parent / "project"
CATALOG = {
    "seed.smoke.raw_orders": "BASE TABLE",
    "seed.smoke.countries": "BASE TABLE",
    "model.smoke.stg_orders": "VIEW",
    "model.smoke.customers": "BASE TABLE",
    "model.smoke.documented": "BASE TABLE",
    "model.smoke.indexed": "BASE TABLE",
    "model.smoke.spenders": "VIEW",
    "model.smoke.orders_appended": "BASE TABLE",
    "model.smoke.customers_replaced": "BASE TABLE",
    "model.smoke.customers_merged": "BASE TABLE",
    "model.smoke.spent_by_country": "MATERIALIZED VIEW",
    "snapshot.smoke.customers_history": "BASE TABLE",
}


def dbt(target: str, *arguments: str):
    print("dbt", *arguments, flush=True)
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", target]
    outcome = dbtRunner().invoke(["--quiet", "--log-path", target, *arguments, *folders])
    if outcome.exception or outcome.result is None:
        sys.exit(f"dbt {arguments[0]} did not run: {outcome.exception}")
    return outcome.result


def main() -> None:
    ran, failed = set(), set()
    with tempfile.TemporaryDirectory() as target:
        for day, flags in ((1, ["--full-refresh"]), (2, [])):
            for result in dbt(target, "build", *flags, "--vars", f"day: {day}"):
                name = f"day{day}.{result.node.name}"
                ran.add(name)
                if result.status not in ("success", "pass"):
                    failed.add(name)
        dbt(target, "docs", "generate", "--vars", "day: 2")
        nodes = json.loads(pathlib.Path(target, "catalog.json").read_text())["nodes"]
    for name, kind in CATALOG.items():
        ran.add(f"catalog.{name}")
        if name not in nodes or nodes[name]["metadata"]["type"] != kind:
            failed.add(f"catalog.{name}")
    ran.add("catalog.comments")
    documented = nodes.get("model.smoke.documented")
    if not (documented and documented["metadata"]["comment"] and documented["columns"]["customer"]["comment"]):
        failed.add("catalog.comments")
    path = pathlib.Path(__file__).parent / "expected_failures_smoke.txt"
    if "--write" in sys.argv:
        path.write_text("".join(f"{name}\n" for name in sorted(failed)))
    sys.exit(bool(expected.compare(path, ran, failed)))


if __name__ == "__main__":
    main()
