"""One run: every server learns the same text, then they take turns under load."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import exchange
import load
import servers
from process import running
from report import Report
from servers import Server

STARTS = 5
WARM_UP_S = 1


@dataclass
class Bench:
    """One run: where it works, how hard it loads, and what it has found."""

    folder: Path
    server_core: int
    connections: int
    seconds: int
    report: Report
    model: str = ""

    def run(self, rounds: int, aimock_program: Sequence[str]) -> None:
        """All servers, one at a time and taking turns; without a program, no aimock."""
        answer = self._learn()
        table = [servers.ours("info"), servers.ours("warning"), servers.raw(answer, self.folder)]
        if aimock_program:
            table.insert(2, servers.aimock(aimock_program, answer, self.folder))
        for server in table:
            self._compare(server, answer.text)
        for _ in range(STARTS):
            self._import()
            for server in table:
                self._start(server)
        for number in range(rounds):
            for server in table:
                sys.stderr.write(f"round {number + 1} of {rounds}: {server.name}\n")
                self._round(server)

    def _learn(self) -> exchange.Answer:
        """Our answers, which the other servers are made to send as well."""
        with running(servers.ours("info"), self.server_core, self.folder) as process:
            self.model = exchange.first_model(process.port)
            answer = exchange.answer(process.port, self.model)
        for name, stream in (("chat", False), ("stream", True)):
            (self.folder / name).write_bytes(exchange.body(self.model, stream=stream))
        return answer

    def _start(self, server: Server) -> None:
        """One cold start."""
        with running(server, self.server_core, self.folder) as process:
            self.report.add("cold start s", server.name, process.cold_start_s)

    def _compare(self, server: Server, text: str) -> None:
        """Sizes of what the server sends; a text unlike ours voids the comparison."""
        with running(server, self.server_core, self.folder) as process:
            answer = exchange.answer(process.port, self.model)
        self.report.add("chat bytes", server.name, len(answer.chat))
        self.report.add("stream bytes", server.name, len(answer.stream))
        self.report.add("chunks a stream", server.name, answer.chunks)
        if answer.text != text:
            self.report.fail("chunks a stream", server.name, f"another text: {answer.text[:80]!r}")

    def _round(self, server: Server) -> None:
        """Memory, load by both requests, memory again."""
        with running(server, self.server_core, self.folder) as process:
            self.report.add("RSS after start MB", server.name, process.rss_mb())
            chunks = self.report.samples["chunks a stream"][server.name][0]
            self._load(process.port, server.name, "chat", {"chat requests/s": 1})
            measures = {"stream requests/s": 1, "stream chunks/s": chunks}
            self._load(process.port, server.name, "stream", measures)
            self.report.add("RSS after load MB", server.name, process.rss_mb())

    def _import(self) -> None:
        """The time of one import of the app, and what it must not load."""
        seconds, unwanted = load.import_app(self.server_core, self.folder)
        self.report.add("import adapter.app s", "ours", seconds)
        if unwanted:
            self.report.fail("import adapter.app s", "ours", f"loads {', '.join(unwanted)}")

    def _load(self, port: int, server: str, request: str, measures: dict[str, float]) -> None:
        load.wrk(port, self.folder / request, self.connections, WARM_UP_S)
        result = load.wrk(port, self.folder / request, self.connections, self.seconds)
        for measure, factor in measures.items():
            if result.failure:
                self.report.fail(measure, server, result.failure)
            else:
                self.report.add(measure, server, result.requests_per_s * factor)
