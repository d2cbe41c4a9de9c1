"""Our server beside aimock and a raw ASGI app: throughput, cold start and memory, in one run."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import aimock
from bench import Bench
from exchange import AnswerError
from process import StartError
from report import Report

RATIOS = (("ours", "aimock"), ("ours", "raw"))
PROGRAMS = {"wrk": "wrk", "taskset": "util-linux"}
NOTE = """\
chunks/s = requests/s x data events of one stream, [DONE] left out; raw sends our own bytes, all
frames of a stream in one ASGI send; ratios are of the medians.
"""


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of one load")
    parser.add_argument("--connections", type=int, default=16, help="open connections of a load")
    parser.add_argument("--rounds", type=int, default=3, help="loads of each server")
    parser.add_argument("--aimock", help="folder of an installed aimock, or a command")
    parser.add_argument("--json", type=Path, help="file for the raw numbers")
    return parser.parse_args()


def aimock_program(given: str | None) -> tuple[str, ...]:
    """The command of aimock; empty, with a word on stderr, where there is none."""
    try:
        return aimock.program(given)
    except aimock.AimockError as reason:
        sys.stderr.write(f"aimock is skipped: {reason}\n")
        return ()


def main() -> int:
    """The exit code: 0 if every row is sound, else 1."""
    given = options()
    cores = sorted(os.sched_getaffinity(0))
    missing = [f"{name} ({of})" for name, of in PROGRAMS.items() if shutil.which(name) is None]
    if missing or not cores[1:]:
        sys.exit(f"needs two cores and wrk and taskset; missing: {', '.join(missing) or 'a core'}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    program, report = aimock_program(given.aimock), Report(RATIOS)
    os.sched_setaffinity(0, cores[1:2])
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), cores[0], given.connections, given.seconds, report)
        try:
            bench.run(given.rounds, program)
        except (StartError, AnswerError) as reason:
            sys.exit(f"stopped: {reason}")
    sys.stdout.write(report.table() + NOTE)
    if given.json:
        loads = {name: vars(given)[name] for name in ("seconds", "connections", "rounds")}
        report.write(given.json, loads, {"aimock": aimock.version(program) if program else None})
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
