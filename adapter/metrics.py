"""Counters and histograms, named after OpenTelemetry's conventions for generative AI.

Label values are bounded: a model that is not listed is `other`, a path that is no route is `other`.
Source: OpenTelemetry semantic conventions, gen-ai metrics.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, time

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from adapter.exchange import Attempt, Exchange
from adapter.model_list import ModelList
from backends.protocol import Lists, Measures

SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
TOKEN_SECONDS = (0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
OVERHEAD_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 1)
CANCELLED = 499
OTHER = "other"


@dataclass(slots=True)
class _Answered:
    """The series of one operation, model and status, looked up once."""

    requests: Counter
    duration: Histogram
    overhead: Histogram
    cancelled: Counter | None


@dataclass(slots=True)
class _Generated:
    """The series of one operation and model that takes and makes tokens, looked up once."""

    tokens_in: Counter
    tokens_out: Counter
    first_token: Histogram
    per_token: Histogram


class Metrics:
    """What `/metrics` tells. With several workers the series are kept in files and summed."""

    def __init__(self) -> None:
        # The time of its creation would double every series.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        labels = ("gen_ai_operation_name", "gen_ai_request_model", "http_response_status_code")
        operation = labels[:2]
        self._requests = self._counter("adapter_requests", "Requests answered", labels)
        self._duration = self._histogram(
            "gen_ai_server_request_duration_seconds", "Whole request", labels, SECONDS
        )
        self._first = self._histogram(
            "gen_ai_server_time_to_first_token_seconds",
            "First event of a stream",
            operation,
            SECONDS,
        )
        self._each = self._histogram(
            "gen_ai_server_time_per_output_token_seconds",
            "Each token of a stream after the first",
            operation,
            TOKEN_SECONDS,
        )
        self._overhead = self._histogram(
            "adapter_overhead_seconds", "Time not spent in the backend", operation, OVERHEAD_SECONDS
        )
        self._tokens = self._counter(
            "gen_ai_client_token_usage", "Tokens", (*operation, "gen_ai_token_type")
        )
        self._cancelled = self._counter(
            "adapter_cancellations", "Requests whose client went away", operation
        )
        self._cost = self._counter(
            "adapter_cost_usd", "What answers cost by the model list", ("model", "key")
        )
        self._attempts = self._counter(
            "adapter_route_attempts",
            "Attempts of a backend to answer for a model",
            ("backend", "model", "http_response_status_code"),
        )
        self._circuits = Gauge(
            "adapter_route_circuit_open",
            "Workers in which a route's circuit was open after its last attempt",
            ("backend", "model"),
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self.in_flight = Gauge(
            "adapter_requests_in_flight",
            "Requests being answered",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._answered: dict[tuple[str, str, int], _Answered] = {}
        self._generated: dict[tuple[str, str], _Generated] = {}

    def observe(self, exchange: Exchange, operation: str, model: str) -> None:
        """Count a finished exchange; `model` is `other` unless it is listed."""
        key = (operation, model, exchange.status)
        answered = self._answered.get(key) or self._new_answered(key)
        now_s = perf_counter()
        duration_s = now_s - exchange.started_s
        answered.requests.inc()
        answered.duration.observe(duration_s)
        answered.overhead.observe(duration_s - exchange.backend_s)
        if answered.cancelled is not None:
            answered.cancelled.inc()
        if exchange.prompt_tokens or exchange.first_token_s is not None:
            self._observe_tokens(exchange, (operation, model), now_s)
        if (cost := exchange.cost_usd()) is not None:
            self._cost.labels(model, exchange.key.name).inc(float(cost))

    def _observe_tokens(self, exchange: Exchange, key: tuple[str, str], now_s: float) -> None:
        generated = self._generated.get(key) or self._new_generated(key)
        generated.tokens_in.inc(exchange.prompt_tokens)
        generated.tokens_out.inc(exchange.completion_tokens)
        if exchange.first_token_s is None or not exchange.stream:
            return
        generated.first_token.observe(exchange.first_token_s - exchange.started_s)
        if exchange.completion_tokens > 1:
            spent_s = now_s - exchange.first_token_s
            generated.per_token.observe(spent_s / (exchange.completion_tokens - 1))

    def observe_attempt(self, attempt: Attempt, *, listed: bool, circuit_open: bool) -> None:
        """Count an attempt of a route; its model is `other` unless a listed one was asked for."""
        model = attempt.model if listed else OTHER
        self._attempts.labels(attempt.backend, model, attempt.status).inc()
        if listed:
            self._circuits.labels(attempt.backend, model).set(circuit_open)

    def watch_model_list(self, model_list: ModelList) -> None:
        """Tell of the dynamic list: how many models, how old, and whether the source fails.

        With several workers there is none of it: each has read the list for itself.
        """
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            return

        def age_seconds() -> float:
            fetched_at = model_list.state.fetched_at
            return time() - fetched_at if fetched_at is not None else float("nan")

        for name, text, value in (
            ("models", "Models on the dynamic list", lambda: len(model_list.models)),
            ("age_seconds", "Since the source last gave the list", age_seconds),
            ("failing", "Whether it failed last", lambda: model_list.state.status != "ok"),
        ):
            gauge = Gauge(f"adapter_model_list_{name}", text, registry=self._registry)
            gauge.set_function(value)

    def watch_backend(self, backend: Lists) -> None:
        """Tell of a backend's own numbers; with several workers not, for each has its own."""
        if isinstance(backend, Measures) and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            self._registry.register(_BackendMeasures(backend))

    def text(self) -> bytes:
        """The Prometheus exposition of all workers."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            _forget_dead_workers(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _new_answered(self, key: tuple[str, str, int]) -> _Answered:
        operation, model, status = key
        series = self._answered[key] = _Answered(
            self._requests.labels(operation, model, status),
            self._duration.labels(operation, model, status),
            self._overhead.labels(operation, model),
            self._cancelled.labels(operation, model) if status == CANCELLED else None,
        )
        return series

    def _new_generated(self, key: tuple[str, str]) -> _Generated:
        series = self._generated[key] = _Generated(
            self._tokens.labels(*key, "input"),
            self._tokens.labels(*key, "output"),
            self._first.labels(*key),
            self._each.labels(*key),
        )
        return series

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _histogram(
        self, name: str, text: str, labels: tuple[str, ...], buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(name, text, labels, registry=self._registry, buckets=buckets)


def _forget_dead_workers(folder: Path) -> None:
    """Leave out the live gauges of workers that were killed: nobody will set them back."""
    pids = {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*_*.db")}
    for pid in pids:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            # Another worker may do the same just now.
            with suppress(FileNotFoundError):
                multiprocess.mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
        except PermissionError:
            continue


class _BackendMeasures(Collector):
    """A backend's numbers, asked for when they are read."""

    def __init__(self, backend: Measures) -> None:
        self._backend = backend

    def collect(self) -> Iterator[Metric]:
        """A metric for each name."""
        metrics: dict[str, Metric] = {}
        for one in self._backend.measures():
            name = one.name.removesuffix("_total")
            metric = metrics.setdefault(name, Metric(name, one.description, one.kind))
            metric.add_sample(one.name, dict(one.labels), one.value)
        yield from metrics.values()

    def describe(self) -> Iterable[Metric]:
        """Nothing: a backend may not be able to tell yet."""
        return ()
