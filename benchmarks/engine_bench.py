"""One run of engine.py: one engine at a time, first in process, then those that serve over HTTP."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import engine_table
import exchange
from engine_client import Load
from engine_measure import Plan
from engine_model import Model
from engine_table import Engine
from engine_worker import WorkerError, ask
from exchange import AnswerError
from process import Running, StartError, running
from report import Report
from servers import FOLDER, REPOSITORY

SAMPLE_TOKENS = 16
HTTP_TOKENS = 48
WARM_TOKENS = 8
CLIENT_LIMIT_S = 400
START_LIMIT_S = 240
POLL_S = 0.05
REASON_CHARS = 300
BYTES = {"floor": 2, "floor-int8": 1}  # a weight
FAULTS = (
    WorkerError,
    StartError,
    AnswerError,
    OSError,
    http.client.HTTPException,
    subprocess.SubprocessError,
)


@dataclass(frozen=True)
class Length:
    """How long a run takes: rounds, samples of each, batches, and streams of each client.

    No round is begun that would end after `total_s`, were it as long as the one before.
    """

    rounds: int
    repeats: int
    batches: tuple[int, ...]
    new_tokens: int
    streams: dict[int, int]
    total_s: int
    prompt_tokens: int = 32
    prefill_tokens: int = 1_000


@dataclass
class EngineBench:
    """One run: where it works, what it loads, and what it has found."""

    folder: Path
    model: Model
    length: Length
    report: Report
    floor: bool
    asked: int = 0
    samples: dict[str, list[int]] = field(default_factory=dict)

    def run(self, engines: Sequence[Engine]) -> int:
        """The rounds that were taken; who fails once is left out of the rest."""
        inside = [engine for engine in engines if engine.worker]
        served = [engine for engine in engines if engine.server]
        begun_s = time.perf_counter()
        for number in range(1, self.length.rounds + 1):
            round_s = time.perf_counter()
            for engine in list(inside):
                self._say(number, engine.name, "in process")
                if not self._inside(engine, number):
                    inside.remove(engine)
            if self.floor:
                self._floor()
            for engine in list(served):
                self._say(number, engine.name, "over HTTP")
                if not self._served(engine):
                    served.remove(engine)
            now_s = time.perf_counter()
            if now_s - begun_s + (now_s - round_s) > self.length.total_s:
                break
        self._compare()
        return number

    def _inside(self, engine: Engine, number: int) -> bool:
        """Every measure of an engine in a process of its own."""
        length = self.length
        plan = Plan(
            model=str(self.model.folder),
            options=dict(engine.options),
            threads=len(os.sched_getaffinity(0)),
            batches=list(length.batches),
            prompt_tokens=length.prompt_tokens,
            new_tokens=length.new_tokens,
            prefill_tokens=length.prefill_tokens,
            repeats=length.repeats,
            sample=self.model.sample,
            sample_tokens=SAMPLE_TOKENS,
            turn=number,
            started_s=time.time(),
        )
        try:
            found = ask(engine, plan, self.folder)
        except FAULTS as reason:
            self._fail(f"decode tokens/s at {length.batches[0]}", engine, reason)
            return False
        for measure, values in found.samples.items():
            for value in values:
                self.report.add(measure, engine.name, value)
        self.report.add("peak RSS MB", engine.name, found.peak_rss_mb)
        self.samples[engine.name] = found.sample
        return True

    def _floor(self) -> None:
        """What the memory's speed would allow at batch 1, were nothing else to be done."""
        command = [sys.executable, str(FOLDER / "engine_floor.py")]
        bytes_per_s = float(subprocess.check_output(command, cwd=self.folder, text=True))
        self.report.add("memory GB/s", "floor", bytes_per_s / 1e9)
        for name, size in BYTES.items():
            rate = bytes_per_s / (self.model.numbers() * size)
            self.report.add("decode tokens/s at 1", name, rate)

    def _served(self, engine: Engine) -> bool:
        """Every load of a server."""
        assert engine.server is not None  # noqa: S101 - asked of those that have one
        try:
            begun_s = time.perf_counter()
            with running(engine.server, None, self.folder, START_LIMIT_S, POLL_S) as process:
                self.report.add("HTTP ready s", engine.name, process.cold_start_s)
                self._play(engine, process, 1, 1, WARM_TOKENS)
                self.report.add("HTTP start s", engine.name, time.perf_counter() - begun_s)
                for concurrency, each in self.length.streams.items():
                    self._load(engine, process, concurrency, each)
                self.report.add("HTTP peak RSS MB", engine.name, process.peak_rss_mb())
        except FAULTS as reason:
            self._fail("HTTP tokens/s at 1", engine, reason)
            return False
        return True

    def _load(self, engine: Engine, process: Running, concurrency: int, each: int) -> None:
        self._play(engine, process, concurrency, 1, WARM_TOKENS)
        found = self._play(engine, process, concurrency, each, HTTP_TOKENS)
        self.report.add(f"HTTP tokens/s at {concurrency}", engine.name, found["tokens_per_s"])
        self.report.add(f"HTTP TTFT p50 ms at {concurrency}", engine.name, found["ttft_ms"])
        if concurrency == 1:
            rate = found["decode_tokens_per_s"]
            self.report.add("HTTP decode tokens/s at 1", engine.name, rate)

    def _play(
        self, engine: Engine, process: Running, concurrency: int, each: int, tokens: int
    ) -> dict[str, Any]:
        assert engine.server is not None  # noqa: S101 - asked of those that have one
        name = engine.model or exchange.first_model(process.port)
        headers, extra = dict(engine.server.headers), dict(engine.extra)
        load = Load(process.port, name, concurrency, each, tokens, self.asked, headers, extra)
        self.asked += concurrency * each
        result = subprocess.run(
            [sys.executable, str(FOLDER / "engine_client.py"), json.dumps(asdict(load))],
            capture_output=True,
            text=True,
            timeout=CLIENT_LIMIT_S,
            check=False,
            cwd=self.folder,
            env=engine_table.environment({"PYTHONPATH": str(REPOSITORY)}),
        )
        if result.returncode:
            raise AnswerError(result.stderr.strip()[-REASON_CHARS:])
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    def _compare(self) -> None:
        """How far each engine says the same as `generate`: whether the weights are the same."""
        wanted = self.samples.get("generate")
        for name, sample in self.samples.items() if wanted else ():
            pairs = zip(sample, wanted or (), strict=True)
            same = next((at for at, (one, two) in enumerate(pairs) if one != two), len(sample))
            self.report.add(f"first tokens as generate's, of {SAMPLE_TOKENS}", name, same)

    def _fail(self, measure: str, engine: Engine, reason: BaseException) -> None:
        words = " ".join(str(reason).split())[-REASON_CHARS:]
        sys.stderr.write(f"{engine.name} failed: {words}\n")
        self.report.fail(measure, engine.name, words)

    def _say(self, number: int, name: str, how: str) -> None:
        sys.stderr.write(f"round {number} of {self.length.rounds}: {name} {how}\n")
