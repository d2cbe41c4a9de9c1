"""One run of gateway.py: one stub for all, and the gateways taking turns in front of it."""

import http.client
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import exchange
import load
import upstream
from exchange import AnswerError
from process import Running, StartError, running
from report import Report
from servers import Server
from streams import Streams, play

CONCURRENCIES = (1, 16, 64)
USUAL = 16
STREAMS = 8
WARM_UP_S = 1
RSS_REQUESTS = 20_000
REASON_CHARS = 300
FAULTS = (
    StartError,
    AnswerError,
    OSError,
    http.client.HTTPException,
    subprocess.SubprocessError,
)


@dataclass(frozen=True)
class Length:
    """How long a run takes: rounds, each load, streams over each connection.

    Memory after many requests is measured after `fill_s` more at most, and none after `total_s`.
    """

    rounds: int
    seconds: int
    streams: int
    fill_s: int
    total_s: int


@dataclass
class GatewayBench:
    """One run: where it works, how long it loads, and what it has found."""

    folder: Path
    gateway_core: int
    length: Length
    report: Report
    stub_port: int = 0
    served: int = 0
    begun_s: float = 0.0
    stub_ms: dict[str, float] = field(default_factory=dict)

    def run(self, stub: Running, gateways: Sequence[Server]) -> None:
        """Every round takes the stub alone, then each gateway; who fails to start is left out."""
        for name, stream in (("chat", False), ("stream", True)):
            (self.folder / name).write_bytes(exchange.body(upstream.MODEL, stream=stream))
        self.stub_port, self.begun_s, table = stub.port, time.perf_counter(), list(gateways)
        for number in range(1, self.length.rounds + 1):
            self._say(number, "stub")
            self._alone(stub)
            for server in list(table):
                self._say(number, server.name)
                try:
                    with running(server, self.gateway_core, self.folder) as process:
                        self._round(server, process, last=number == self.length.rounds)
                except FAULTS as reason:
                    words = " ".join(str(reason).split())[-REASON_CHARS:]
                    self.report.fail("cold start s", server.name, words)
                    table.remove(server)

    def _alone(self, stub: Running) -> None:
        """The stub without a gateway: what the latencies of the others are counted from."""
        for connections in CONCURRENCIES:
            seconds = self.length.seconds
            result = load.wrk(stub.port, self.folder / "chat", connections, seconds)
            if result.failure:
                self.report.fail(f"requests/s at {connections}", "stub", result.failure)
            self.report.add(f"requests/s at {connections}", "stub", result.requests_per_s)
            for name, value_us in (("p50", result.p50_us), ("p99", result.p99_us)):
                self.stub_ms[f"{name} at {connections}"] = value_us / 1000
                self.report.add(f"added {name} ms at {connections}", "stub", value_us / 1000)

    def _round(self, server: Server, process: Running, *, last: bool) -> None:
        """Load at each concurrency, streams, and in the last round memory after many requests."""
        self._check(server, process)
        self.served = 0
        self.report.add("cold start s", server.name, process.cold_start_s)
        self.report.add("RSS after start MB", server.name, process.rss_mb())
        self._load(server, process, USUAL, WARM_UP_S)
        process.settle()
        for connections in CONCURRENCIES:
            self._measure(server, process, connections)
        self._stream(server, process)
        if last:
            process.settle()
            self._fill(server, process)

    def _check(self, server: Server, process: Running) -> None:
        """One exchange; another answer than the stub's voids the comparison."""
        chat = (self.folder / "chat").read_bytes()
        answer = exchange.fetch(process.port, "POST", exchange.PATH, chat, server.headers)
        if exchange.chat_text(answer) != upstream.TEXT:
            raise AnswerError(f"another text than the stub's: {answer[:200]!r}")

    def _load(self, server: Server, process: Running, connections: int, seconds: int) -> load.Load:
        body = self.folder / "chat"
        result = load.wrk(process.port, body, connections, seconds, server.headers)
        self.served += result.requests
        return result

    def _measure(self, server: Server, process: Running, connections: int) -> None:
        """One load; CPU time is shared by all that reached the stub, also after wrk had left."""
        asked, cpu_s = upstream.asked(self.stub_port), process.cpu_s()
        result = self._load(server, process, connections, self.length.seconds)
        process.settle()
        asked, cpu_s = upstream.asked(self.stub_port) - asked, process.cpu_s() - cpu_s
        found = {f"requests/s at {connections}": result.requests_per_s}
        if connections == USUAL:
            found["CPU µs/request"] = cpu_s * 1e6 / max(1, asked)
        for name, value_us in (("p50", result.p50_us), ("p99", result.p99_us)):
            alone_ms = self.stub_ms[f"{name} at {connections}"]
            found[f"added {name} ms at {connections}"] = value_us / 1000 - alone_ms
        for measure, value in found.items():
            if result.failure:
                self.report.fail(measure, server.name, result.failure)
            else:
                self.report.add(measure, server.name, value)

    def _stream(self, server: Server, process: Running) -> None:
        body = (self.folder / "stream").read_bytes()
        headers = {**exchange.HEADERS, **server.headers}
        played = play(process, Streams(STREAMS, self.length.streams, body, headers, upstream.TEXT))
        count = STREAMS * self.length.streams
        self.served += count
        if played.failure:
            self.report.fail("CPU µs/stream chunk", server.name, played.failure)
        else:
            cost_us = played.cpu_s * 1e6 / (count * upstream.CHUNKS)
            self.report.add("CPU µs/stream chunk", server.name, cost_us)

    def _fill(self, server: Server, process: Running) -> None:
        """Memory once the server has answered `RSS_REQUESTS`, or as many as time allows."""
        rates = self.report.samples[f"requests/s at {USUAL}"][server.name] or [1.0]
        wanted_s = math.ceil((RSS_REQUESTS - self.served) / rates[-1])
        left_s = int(self.begun_s + self.length.total_s - time.perf_counter())
        seconds = min(wanted_s, self.length.fill_s, left_s)
        if seconds > 0:
            failure = self._load(server, process, USUAL, seconds).failure
            if failure:
                self.report.fail("RSS after load MB", server.name, failure)
        process.settle()
        self.report.add("RSS after load MB", server.name, process.rss_mb())
        self.report.add("requests served by then", server.name, self.served)

    def _say(self, number: int, name: str) -> None:
        sys.stderr.write(f"round {number} of {self.length.rounds}: {name}\n")
