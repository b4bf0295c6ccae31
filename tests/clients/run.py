"""Runs clients against an Aqueduct and a PostgreSQL, both of the run's own, and compares what they answer.

    python tests/clients/run.py --binary target/debug/aqueduct            what `make test` runs: a minute or two
    python tests/clients/run.py --binary target/debug/aqueduct --all      and the drivers' own suites and dbt's: half an hour
    python tests/clients/run.py --binary target/debug/aqueduct node jdbc  these

What differs and is known stands in `expected/`; the lists may only shrink. `--write` makes them anew after a fix.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import time
import venv

import compare
import servers
import suites

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path.home() / ".cache/aqueduct-clients"
JAR = pathlib.Path("/usr/share/java/postgresql.jar")
PATIENCE_S = 240


class Missing(Exception):
    """What a client needs is not on this machine."""


def drivers():
    return [sys.executable, HERE / "drivers.py"], {}


def psql():
    if not shutil.which("psql"):
        raise Missing("psql")
    return [sys.executable, HERE / "psql.py"], {}


def node():
    if not shutil.which("node") or not shutil.which("npm"):
        raise Missing("node")
    wanted = HERE / "node/package.json"
    folder = CACHE / "node" / hashlib.sha256(wanted.read_bytes()).hexdigest()[:12]
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(wanted, folder)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
        (folder / "ready").touch()
    return ["node", "--no-deprecation", HERE / "node/steps.js"], {"NODE_PATH": str(folder / "node_modules")}


def jdbc():
    if not shutil.which("java"):
        raise Missing("java")
    if not JAR.exists():
        raise Missing("libpostgresql-jdbc-java")
    return ["java", "-cp", str(JAR), HERE / "jdbc/Steps.java"], {}


# Programs that take a URL and print a line of JSON for each step.
STEPS = {"drivers": drivers, "node": node, "jdbc": jdbc, "psql": psql}


def answers(command, more, server):
    """What a program's steps answered on a server, by their names."""
    try:
        done = subprocess.run(
            [*command, server.url],
            env=server.environment | more,
            stdout=subprocess.PIPE,
            timeout=PATIENCE_S,
        )
        out, end = done.stdout, f"exit {done.returncode}" if done.returncode else None
    except subprocess.TimeoutExpired as late:
        out, end = late.stdout or b"", "no end"
    found = {step["step"]: step["answer"] for step in map(json.loads, out.decode().splitlines())}
    return found | ({"the end": end} if end else {})


def steps(names, binary, anew):
    """Runs programs on both servers; how many answers are not as expected."""
    unexpected = 0
    with servers.postgresql() as theirs:
        for name in names:
            try:
                command, more = STEPS[name]()
            except Missing as what:
                print(f"{name}: skipped, {what} is not there")
                continue
            began = time.monotonic()
            with servers.aqueduct(binary) as ours:
                unexpected += compare.judge(
                    name, answers(command, more, ours), answers(command, more, servers.renew(theirs)), anew
                )
                if not ours.alive():
                    print(f"{name}: the server ended:\n{ours.log.read_text()[-2000:]}")
                    unexpected += 1
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return unexpected


def suite(name, binary, anew):
    """A driver's own suite on a fresh server."""
    with servers.aqueduct(binary) as ours:
        command = [sys.executable, HERE / "suites.py", name, "--url", ours.url, *(["--write"] if anew else [])]
        return subprocess.run(command).returncode


def dbt(binary, anew):
    """dbt's project and its own suite, with a Python of their own."""
    requirements = HERE / "dbt/requirements.txt"
    folder = CACHE / "dbt" / hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    python = folder / "bin/python"
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "-r", requirements], check=True)
        (folder / "ready").touch()
    failed = 0
    for script in ("smoke.py", "suite.py"):
        with servers.aqueduct(binary) as ours:
            command = [python, HERE / "dbt" / script, *(["--write"] if anew else [])]
            failed += subprocess.run(command, env=ours.environment).returncode
    return failed


def install():
    for name, program in STEPS.items():
        try:
            program()
        except Missing as what:
            print(f"The tests of {name} are skipped: {what} is not there")


def main():
    names = [*STEPS, *suites.SUITES, "dbt"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path, help="the server")
    parser.add_argument("--install", action="store_true", help="only fetches what the steps need")
    parser.add_argument("--all", action="store_true", help="with the suites of the drivers and of dbt")
    parser.add_argument("--write", action="store_true", help="makes the lists of known differences anew")
    parser.add_argument("names", nargs="*", metavar="client", help=", ".join(names))
    arguments = parser.parse_args()
    wanted = arguments.names or (names if arguments.all else list(STEPS))
    if set(wanted) - set(names):
        parser.error(f"no such client: {', '.join(set(wanted) - set(names))}")
    if arguments.install:
        return install()
    if not arguments.binary:
        parser.error("--binary says which server")
    binary = arguments.binary.resolve()
    failed = steps([name for name in wanted if name in STEPS], binary, arguments.write)
    for name in [name for name in wanted if name in suites.SUITES]:
        failed += suite(name, binary, arguments.write)
    if "dbt" in wanted:
        failed += dbt(binary, arguments.write)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
