"""Runs the clients' own test suites against a server.

A suite comes from the package registry at run time; nothing of it is kept here. What fails is compared with
`expected/<suite>.txt`, which may only shrink: a failure that is not listed and a pass that is listed are both errors.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import urllib.parse
import venv
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
OF_PYTEST = ["pytest==9.2.0", "pytest-timeout==2.4.0", "setuptools==65.5.0", "wheel==0.48.0"]


class Suite:
    def __init__(self, package, version, needs, hides, arguments, environment, apart=None, schemas=()):
        self.package, self.version, self.needs = package, version, needs
        # The folder of the package's sources, which would hide the one that is installed.
        self.hides, self.arguments, self.environment = hides, arguments, environment
        # Files that run apart, so that one which hangs after its timeout does not take the others with it.
        self.apart = apart
        # What has to be there before.
        self.schemas = schemas


def psycopg2(url):
    return Suite(
        "psycopg2",
        "2.9.13",
        ["psycopg2-binary==2.9.13"],
        "lib",
        ["--timeout", "10", "tests"],
        {
            "PSYCOPG2_TESTDB": url.path[1:],
            "PSYCOPG2_TESTDB_HOST": url.hostname,
            "PSYCOPG2_TESTDB_PORT": str(url.port),
            "PSYCOPG2_TESTDB_USER": url.username,
            "PSYCOPG2_TESTDB_PASSWORD": url.password,
            "PSYCOPG2_TEST_FAST": "1",
        },
    )


def asyncpg(url):
    # Left out: what starts a PostgreSQL of its own, and what reads the suite's own sources.
    ignored = ["test__environment.py", "test__sourcecode.py", "test_subinterpreters.py"]
    return Suite(
        "asyncpg",
        "0.32.0",
        ["asyncpg==0.32.0", "cython==3.3.1", "distro==1.9.0"],
        "asyncpg",
        ["-p", "no:asyncio", "--timeout", "15", "--timeout-method", "signal"],
        {
            "PGHOST": url.hostname,
            "PGPORT": str(url.port),
            "PGUSER": url.username,
            "PGPASSWORD": url.password,
            "PGDATABASE": url.path[1:],
        },
        apart=lambda sources: [path for path in sorted((sources / "tests").glob("test_*.py")) if path.name not in ignored],
    )


def sqlalchemy(url):
    dburi = urllib.parse.urlunsplit(url._replace(scheme="postgresql+psycopg2"))
    return Suite(
        "sqlalchemy",
        "2.1.9",
        ["psycopg2-binary==2.9.13", "typing_extensions==4.16.0"],
        None,
        ["-p", "no:asyncio", "--timeout", "60", "--maxfail", "10000", "--dburi", dburi, "test/dialect/test_suite.py"],
        {},
        schemas=["test_schema", "test_schema_2"],
    )


SUITES = {"psycopg2": psycopg2, "asyncpg": asyncpg, "sqlalchemy": sqlalchemy}


def fetched(suite, cache):
    """The suite's sources and a Python that has what they need."""
    folder = cache / f"{suite.package}-{suite.version}"
    python = folder / "venv/bin/python"
    sources = folder / f"{suite.package}-{suite.version}"
    if (folder / "ready").exists():
        return python, sources
    venv.create(folder / "venv", with_pip=True, clear=True)
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *OF_PYTEST, *suite.needs], check=True)
    # Its metadata is asked of the newest setuptools; nothing is built.
    subprocess.run([*pip, "install", "--upgrade", "setuptools"], check=True)
    package = f"{suite.package}=={suite.version}"
    download = ["download", "--no-deps", "--no-build-isolation", "--no-binary", ":all:", "--dest", folder, package]
    subprocess.run([*pip, *download], check=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    if suite.hides:
        (sources / suite.hides).rename(sources / f"{suite.hides}_")
    if suite.package == "sqlalchemy":
        # The suite asks for these two before its first test and would run none without them.
        provision = sources / "lib/sqlalchemy/dialects/postgresql/provision.py"
        text = re.sub(r'\("(citext|hstore)", \(\d+,\)\),', "", provision.read_text())
        provision.write_text(text)
    (folder / "ready").touch()
    return python, sources


def outcomes(report):
    """By name of test: `pass`, `skipped` or `failed`."""
    found = {}
    for case in xml.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        tags = {child.tag for child in case}
        failed = tags & {"failure", "error"} or found.get(name) == "failed"
        found[name] = "failed" if failed else "skipped" if "skipped" in tags else "pass"
    return found


def expectation(path):
    """How many tests pass at least, and which ones fail."""
    if not path.exists():
        return 0, set()
    first, *names = path.read_text().splitlines()
    return int(first.removeprefix("passes ")), set(names)


def compare(found, path):
    passes_min, expected = expectation(path)
    failed = {name for name, outcome in found.items() if outcome == "failed"}
    passed = {name for name, outcome in found.items() if outcome == "pass"}
    errors = [f"fails and is not listed: {name}" for name in sorted(failed - expected)]
    errors += [f"passes and is listed: {name}" for name in sorted(expected & passed)]
    errors += [f"is listed and does not exist: {name}" for name in sorted(expected - found.keys())]
    if len(passed) < passes_min:
        errors.append(f"{len(passed)} tests pass, {passes_min} did")
    return errors


def write(found, path):
    failed = sorted(name for name, outcome in found.items() if outcome == "failed")
    passes = sum(outcome == "pass" for outcome in found.values())
    path.write_text("\n".join([f"passes {passes}", *failed]) + "\n")


def run(name, url, cache):
    suite = SUITES[name](url)
    python, sources = fetched(suite, cache)
    # Without the settings of whoever calls: a PGHOST of theirs would lead elsewhere.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")} | suite.environment
    if suite.schemas:
        made = "; ".join(f"CREATE SCHEMA IF NOT EXISTS {schema}" for schema in suite.schemas)
        connect = (
            f"import psycopg2; c = psycopg2.connect({url.geturl()!r}); c.autocommit = True; c.cursor().execute({made!r})"
        )
        subprocess.run([python, "-c", connect], check=True)
    pytest = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *suite.arguments]
    with (cache / f"{name}.log").open("w") as log:

        def outcome(paths, patience):
            """Outcomes of some tests; `None` when they did not end."""
            report = cache / f"{name}.xml"
            report.unlink(missing_ok=True)
            command = [*pytest, f"--junitxml={report}", *paths]
            try:
                subprocess.run(command, cwd=sources, env=environment, stdout=log, stderr=subprocess.STDOUT, timeout=patience)
            except subprocess.TimeoutExpired:
                return None
            if not report.exists():
                raise SystemExit(f"{name}: the suite ended before its report, see {log.name}")
            return outcomes(report)

        def one_by_one(path):
            listed = subprocess.run(
                [*pytest, "--collect-only", path], cwd=sources, env=environment, capture_output=True, text=True
            )
            found = {}
            for test in [line for line in listed.stdout.splitlines() if "::" in line]:
                module, kind, case = test.split("::")
                hangs = {f"{module.removesuffix('.py').replace('/', '.')}.{kind}::{case}": "failed"}
                found |= outcome([test], 40) or hangs
            return found

        if not suite.apart:
            found = outcome([], 1800)
            return found if found is not None else sys.exit(f"{name}: the suite did not end")
        found = {}
        for path in suite.apart(sources):
            found |= outcome([path], 120) or one_by_one(path)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--url", required=True, help="postgresql://user:password@host:port/database, a fresh one")
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path.home() / ".cache/aqueduct-clients")
    parser.add_argument("--control", action="store_true", help="only counts: for a PostgreSQL")
    parser.add_argument("--write", action="store_true", help="writes the list of expected failures anew")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    found = run(arguments.suite, urllib.parse.urlsplit(arguments.url), arguments.cache)
    counts = collections.Counter(found.values())
    print(f"{arguments.suite}: {counts['pass']} pass, {counts['failed']} fail, {counts['skipped']} skipped")
    path = HERE / "expected" / f"{arguments.suite}.txt"
    if arguments.write:
        return write(found, path)
    errors = [] if arguments.control else compare(found, path)
    print("\n".join(errors))
    sys.exit(bool(errors))


if __name__ == "__main__":
    main()
