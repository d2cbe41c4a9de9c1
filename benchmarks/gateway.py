"""Our server as a gateway beside nginx, Portkey and LiteLLM, in front of the same stub upstream."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

import exchange
import gateways
import peers
import upstream
from gateway_bench import GatewayBench, Length
from peers import PeerError
from process import StartError, running
from report import Report
from servers import Server
from upstream import BuildError

FULL = Length(rounds=2, seconds=2, streams=8, fill_s=200, total_s=340)
QUICK = Length(rounds=1, seconds=1, streams=1, fill_s=1, total_s=50)
RATIOS = (("ours", "litellm"), ("ours", "portkey"))
OWN = {"stub", "bytes", "ours"}
PROGRAMS = {"wrk": "wrk", "taskset": "util-linux"}
NOTE = """\
stub: the upstream alone, on the core of the load; its latencies are its own, the others' are what
they add to them. Ratios are of the medians; of what is time or memory, less is better.
"""


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute, to try it out")
    parser.add_argument("--litellm", help="LiteLLM's virtual environment, or its program")
    parser.add_argument("--portkey", help="folder with an installed Portkey, or its script")
    parser.add_argument("--only", help="gateways to start, comma-separated; unset, all")
    parser.add_argument("--json", type=Path, help="file for the raw numbers")
    parser.add_argument("--markdown", type=Path, help="file for the table as Markdown")
    return parser.parse_args()


class Table:
    """The gateways that can be had, and the versions of the others' among them."""

    def __init__(self, given: argparse.Namespace, folder: Path, report: Report) -> None:
        self.only = given.only.split(",") if given.only else None
        self.given, self.folder, self.report = given, folder, report
        self.versions: dict[str, str | None] = {}

    def servers(self, address: str) -> list[Server]:
        """One of each; what cannot be had is skipped by name."""
        make = {
            "nginx": partial(gateways.nginx, address, self.folder),
            "bytes": partial(gateways.bytes_proxy, address),
            "ours": partial(gateways.ours, address),
            "portkey": partial(self._portkey, address),
            "litellm": partial(self._litellm, address),
        }
        found = []
        for name, server in make.items():
            if self.only is not None and name not in self.only:
                continue
            try:
                found.append(server())
            except PeerError as reason:
                self.report.skip(name, str(reason))
                sys.stderr.write(f"{name} is skipped: {reason}\n")
        return found

    def _portkey(self, address: str) -> Server:
        program = peers.portkey(self.given.portkey)
        self.versions["portkey"] = peers.portkey_version(program)
        return gateways.portkey(program, address)

    def _litellm(self, address: str) -> Server:
        program = peers.litellm(self.given.litellm)
        self.versions["litellm"] = peers.litellm_version(program)
        return gateways.litellm(program, address)


def main() -> int:
    """The exit code: 0 if the rows of the stub, the limit and ours are sound, else 1."""
    given = options()
    cores = sorted(os.sched_getaffinity(0))
    missing = [f"{name} ({of})" for name, of in PROGRAMS.items() if shutil.which(name) is None]
    if missing or not cores[1:]:
        sys.exit(f"needs two cores and wrk and taskset; missing: {', '.join(missing) or 'a core'}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    length, report = QUICK if given.quick else FULL, Report(RATIOS)
    os.sched_setaffinity(0, cores[1:2])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = Table(given, folder, report)
        bench = GatewayBench(folder, cores[0], length, report)
        try:
            with running(upstream.stub(folder), cores[1], folder) as stub:
                bench.run(stub, table.servers(f"{exchange.HOST}:{stub.port}"))
        except (BuildError, StartError) as reason:
            sys.exit(f"stopped: {reason}")
    sys.stdout.write(report.table() + NOTE)
    if given.json:
        report.write(given.json, vars(length), table.versions)
    if given.markdown:
        given.markdown.write_text(report.markdown())
    return 1 if any(server in OWN for _, server in report.failures) else 0


if __name__ == "__main__":
    sys.exit(main())
