"""Runs the benchmark suites: Aqueduct and a peer beside it, in one run, in turn."""

import argparse
import json
import pathlib
import platform
import statistics
import tempfile

import suites
from servers import Aqueduct, Postgres

HERE = pathlib.Path(__file__).parent


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    cores = sum(line.startswith("processor") for line in open("/proc/cpuinfo"))
    return {"cpu": model, "cores": cores, "system": platform.platform()}


def table(rows):
    head = ["suite", "measure", "unit", "aqueduct", "peer", "is", "ratio"]
    lines = [head] + [
        [r["suite"], r["measure"], r["unit"], f"{r['ours']:.4g}", r["peer"], f"{r['theirs']:.4g}", f"{r['ratio']:.2f}"]
        for r in rows
    ]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)))


def summarize(suite, pairs):
    """One row per measure: medians, and the median of the pairwise ratios."""
    rows = []
    for (measure, unit, peer, higher_is_better), samples in pairs.items():
        ratio = statistics.median((o / t if higher_is_better else t / o) for o, t in samples)
        ours, theirs = (statistics.median(side) for side in zip(*samples))
        row = {"suite": suite, "measure": measure, "unit": unit, "peer": peer}
        rows.append(row | {"ours": ours, "theirs": theirs, "ratio": ratio, "samples": samples})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--suite", action="append", choices=sorted(suites.ALL))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--output", type=pathlib.Path)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="aqueduct-bench-") as folder:
        folder = pathlib.Path(folder)
        with Aqueduct(options.binary, folder) as ours, Postgres(folder) as postgres:
            for name in options.suite or sorted(suites.ALL):
                print(f"# {name}", flush=True)
                done = summarize(name, suites.ALL[name](ours, postgres, folder, options.repeat))
                table(done)
                rows += done
    print()
    table(rows)
    if options.output:
        options.output.write_text(json.dumps({"machine": machine(), "results": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
