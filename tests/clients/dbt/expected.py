"""Lists of what may fail: one name a line, # begins a comment. They may only shrink."""

import pathlib


def read(path: pathlib.Path) -> set[str]:
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return {line for line in lines if line}


def compare(path: pathlib.Path, ran: set[str], failed: set[str]) -> int:
    """Prints what differs from the list at `path`; the number of differences."""
    listed = read(path)
    surprises = [("fails, and is not expected to", name) for name in failed - listed]
    surprises += [("passes now: take it off the list", name) for name in listed & ran - failed]
    surprises += [("is listed and did not run", name) for name in listed - ran]
    for what, name in sorted(surprises):
        print(f"{name}: {what}")
    print(f"{len(ran)} ran, {len(ran - failed)} passed, {len(failed)} failed, {len(surprises)} not as {path.name} says")
    return len(surprises)
