"""Runs the functional suite of dbt-postgres, as it is published, against a server.

usage: PGPASSWORD=… suite.py [--write] [test path …]
    PGHOST, PGPORT, PGUSER, PGDATABASE say where; --write makes a new expected_failures.txt;
    with test paths (adapter/test_basic.py) only those run.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree

import expected

SOURCE = "dbt-postgres==1.10.2"
HERE = pathlib.Path(__file__).parent
FUNCTIONAL = "tests/functional"
LEFT_OUT = [
    "functions/test_udfs.py",  # needs dbt-core 1.11
    "exit_codes/test_exit_codes.py::TestExitCodesDeps",  # clone from GitHub
    "exit_codes/test_exit_codes.py::TestExitCodesDepsFail",
    "macros/test_macros.py::TestMacros",
    "adapter/test_simple_copy.py::TestSimpleCopyUppercase",  # connect to localhost:5432, whatever they are told
    "basic/test_mixed_case_db.py",
]


def download(folder: str) -> pathlib.Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, "--dest", folder, SOURCE], check=True)
    (archive,) = pathlib.Path(folder).glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return archive.with_name(archive.name.removesuffix(".tar.gz"))


def run(suite: pathlib.Path, paths: list[str]) -> tuple[set[str], set[str]]:
    """Names of the tests that ran (skipped ones did not), and of those that failed."""
    variables = {
        "POSTGRES_TEST_HOST": os.environ.get("PGHOST", "127.0.0.1"),
        "POSTGRES_TEST_PORT": os.environ.get("PGPORT", "5433"),
        "POSTGRES_TEST_USER": os.environ.get("PGUSER", "aqueduct"),
        "POSTGRES_TEST_PASS": os.environ["PGPASSWORD"],
        "POSTGRES_TEST_DATABASE": os.environ.get("PGDATABASE", "aqueduct"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        **{f"DBT_TEST_USER_{n}": f"dbt_test_user_{n}" for n in (1, 2, 3)},
    }
    report = suite / "report.xml"
    options = ["-o", "addopts=", "-o", f"pythonpath={suite}", "-p", "no:cacheprovider", "--timeout", "60", "--tb", "short"]
    options += ["--quiet", f"--junitxml={report}", f"--ignore={FUNCTIONAL}/{LEFT_OUT[0]}"]
    options += [f"--deselect={FUNCTIONAL}/{path}" for path in LEFT_OUT[1:]]
    command = [sys.executable, "-m", "pytest", *options, *(f"{FUNCTIONAL}/{path}" for path in paths or [""])]
    log = HERE / "suite.log"
    with log.open("w") as out:
        code = subprocess.run(command, cwd=suite, env=os.environ | variables, stdout=out, stderr=out).returncode
    if code not in (0, 1):
        sys.exit(f"pytest did not run, see {log}")
    ran, failed = set(), set()
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname').removeprefix('tests.functional.')}::{case.get('name')}"
        outcome = {child.tag for child in case}
        if "skipped" not in outcome:
            ran.add(name)
        if outcome & {"failure", "error"}:
            failed.add(name)
    return ran, failed


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("paths", nargs="*")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ran, failed = run(download(folder), arguments.paths)
    path = HERE / "expected_failures.txt"
    if arguments.write:
        path.write_text("".join(f"{name}\n" for name in sorted(failed)))
    elif arguments.paths:
        print(f"{len(ran)} ran, {len(failed)} failed", *sorted(failed - expected.read(path)), sep="\n")
        sys.exit(bool(failed - expected.read(path)))
    sys.exit(bool(expected.compare(path, ran, failed)))


if __name__ == "__main__":
    main()
