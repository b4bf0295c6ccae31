"""What two servers answer to the same steps, and the lists of differences that are known.

A list has one name a line, ` # ` and the reason behind it. It may only shrink: a difference that is not listed is an
error, so is a listed one that is gone.
"""

import pathlib

LISTS = pathlib.Path(__file__).resolve().parent / "expected"
SHOWN = 300


def read(path):
    """Reason of each known difference, by its name."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {name: reason for name, _, reason in (line.partition(" # ") for line in lines) if name}


def write(path, differences):
    """The list anew; what a person wrote as a reason is kept."""
    known = {name: reason for name, reason in read(path).items() if ", PostgreSQL " not in reason}
    lines = [f"{name} # {known.get(name) or reason}" for name, reason in sorted(differences.items())]
    path.write_text("".join(f"{line}\n" for line in lines))


def judge(client, ours, theirs, anew=False):
    """Compares two servers' answers by name of step; prints what is unexpected and answers how many."""
    names = list(theirs | ours)
    # A client that cannot connect has one difference, not one for each step.
    for lost in [name for name in names if name.endswith("connect") and ours.get(name) != theirs.get(name)]:
        names = [name for name in names if name == lost or not name.startswith(lost.removesuffix("connect"))]
    different = {name: (ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)}
    path = LISTS / f"{client}.txt"
    if anew:
        write(path, {name: reason(*answers) for name, answers in different.items()})
    known = read(path)
    unexpected = 0
    for name in names:
        if (name in different) == (name in known):
            continue
        unexpected += 1
        note = "" if name in different else "  (known, but now equal: take it off the list)"
        print(f"{client}: {name}{note}")
        for label, answer in ("aqueduct  ", ours.get(name)), ("postgresql", theirs.get(name)):
            print(f"  {label} {cut(str(answer))}")
    for name in known.keys() - set(names):
        unexpected += 1
        print(f"{client}: {name}  (known, but no such step)")
    print(
        f"{client}: {len(names)} steps, {len(names) - len(different)} equal, {len(known)} known differences, {unexpected} unexpected"
    )
    return unexpected


def reason(ours, theirs):
    """The part in which two answers differ, as good as a machine can tell."""
    ours, theirs = str(ours), str(theirs)
    at = next((at for at, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    at = max(0, at - 20)
    return f"{ours[at : at + 70]!r}, PostgreSQL {theirs[at : at + 70]!r}"


def cut(text):
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} … {len(text)} characters"
