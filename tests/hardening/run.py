"""What hostile and broken clients do to a server: it answers or closes, and goes on.

    python tests/hardening/run.py --binary target/debug/aqueduct           what `make test` runs
    python tests/hardening/run.py --binary target/debug/aqueduct --full    the full figures; `make hardening`

Every run prints its seed; `--seed` repeats one. What is known to fail stands in `known.txt`, which may only shrink.
"""

import argparse
import pathlib
import random
import secrets
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "clients"))

import compare  # noqa: E402
import servers  # noqa: E402

import connections  # noqa: E402
import frames  # noqa: E402
import statements  # noqa: E402
import tls  # noqa: E402

ROOMS = [frames, connections, tls, statements]


def run(test, binary, seed, full):
    """Figures of a test, or why it failed."""
    chance = random.Random(f"{seed} {test.__name__}")
    try:
        if getattr(test, "alone", False):
            return test(binary, chance, full), None
        with servers.aqueduct(binary, **getattr(test, "settings", {})) as server:
            figures = test(server, chance, full)
            assert server.alive(), f"the server ended with {server.process.returncode}:\n{server.log.read_text()[-2000:]}"
            return figures, None
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return None, f"{type(error).__name__} in {where.name}: {error}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, type=pathlib.Path, help="the server")
    parser.add_argument("--full", action="store_true", help="the full figures")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--verbose", action="store_true", help="a line for each statement")
    parser.add_argument("names", nargs="*", metavar="test")
    arguments = parser.parse_args()
    statements.VERBOSE = arguments.verbose
    print(f"seed {arguments.seed}", flush=True)
    tests = {f"{room.__name__}.{test.__name__}": test for room in ROOMS for test in room.TESTS}
    known = compare.read(HERE / "known.txt")
    wrong = 0
    for name, test in tests.items():
        if arguments.names and not any(wanted in name for wanted in arguments.names):
            continue
        began = time.monotonic()
        figures, failure = run(test, arguments.binary.resolve(), arguments.seed, arguments.full)
        wrong += (name in known) != bool(failure)
        word = {(False, False): "ok", (True, True): "known"}.get((bool(failure), name in known), "FAILED")
        if word == "FAILED" and not failure:
            failure = f"{figures}  (known, but now right: take it off the list)"
        print(f"{word:6} {time.monotonic() - began:5.1f} s  {name}: {failure or figures}", flush=True)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
