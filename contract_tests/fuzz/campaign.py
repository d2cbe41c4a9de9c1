"""A run of schemathesis against the server, and what it found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract_tests.fuzz.document import base_of, own_document, read_document
from contract_tests.fuzz.rules import RULES
from contract_tests.wire.exchange import Exchange

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, Response
    from schemathesis.engine.events import NonFatalError, ScenarioFinished

PREFIX = "contract_"
TIME_OUT = "time_out"  # of a finding that is no broken rule
STREAM_EVENTS = 1_000_000  # schemathesis would cut a longer stream off
# Schemathesis's own probes of these are ours in other groups, or about generation alone.
PHASES = {
    "examples": {"enabled": True},
    "coverage": {"enabled": True, "unexpected-methods": []},
    "fuzzing": {"enabled": True},
    "stateful": {"enabled": False},
}


@dataclass(frozen=True)
class Fuzz:
    """How much to fuzz: examples for each operation, from which seed, by which document."""

    examples: int
    seed: int = 1
    document: Path | None = None


@dataclass(frozen=True)
class Finding:
    """A request whose answer breaks a rule, made as small as it could be."""

    rule: str
    fault: str
    exchange: Exchange


def campaign(
    fuzz: Fuzz, url: str, key: str | None, models: Mapping[str, str], timeout_s: float
) -> list[Finding]:
    """What was found, each rule's first finding for each operation; blocks until the end.

    Raises:
        ValueError: the document cannot be fuzzed.
    """
    import schemathesis  # noqa: PLC0415 - half a second to import, for those who fuzz
    from requests import RequestException  # noqa: PLC0415 - likewise
    from schemathesis.config import SchemathesisConfig  # noqa: PLC0415 - likewise
    from schemathesis.engine import from_schema  # noqa: PLC0415 - likewise
    from schemathesis.engine.events import (  # noqa: PLC0415 - likewise
        FatalError,
        NonFatalError,
        ScenarioFinished,
    )

    document = read_document(fuzz.document) if fuzz.document else own_document(models)
    _register()
    config = SchemathesisConfig.from_dict(
        {
            "seed": fuzz.seed,
            "base-url": base_of(document, url),
            "headers": {"Authorization": f"Bearer {key}"} if key else {},
            "request-timeout": timeout_s,
            "max-stream-events": STREAM_EVENTS,
            "continue-on-failure": True,
            "output": {"sanitization": {"enabled": False}},
            "generation": {
                "mode": "all",
                "max-examples": fuzz.examples,
                "database": "none",
                "with-security-parameters": False,
            },
            "phases": PHASES,
            "checks": {"enabled": False} | {f"{PREFIX}{name}": {"enabled": True} for name in RULES},
        }
    )
    findings: dict[tuple[str, str], Finding] = {}
    for event in from_schema(schemathesis.openapi.from_dict(document, config=config)).execute():
        if isinstance(event, ScenarioFinished):
            for finding in _findings(event):
                findings[finding.rule, finding.exchange.url] = finding
        elif isinstance(event, NonFatalError) and isinstance(event.value, RequestException):
            finding = _unanswered(event, url)
            findings[finding.rule, finding.exchange.url] = finding
        elif isinstance(event, NonFatalError | FatalError):
            reason = event.value if isinstance(event, NonFatalError) else event.exception
            raise ValueError(f"the document cannot be fuzzed: {reason}")  # noqa: TRY004 - not ours
    return list(findings.values())


def _unanswered(event: "NonFatalError", url: str) -> Finding:
    from requests import Timeout  # noqa: PLC0415 - as above

    method, _, path = event.label.partition(" ")
    message = event.info.message
    exchange = Exchange(method, url + path, [], b"", fault=message)
    # In the middle of an answer, requests calls a time-out a broken connection.
    exchange.timed_out = isinstance(event.value, Timeout) or "Read timed out" in str(event.value)
    rule = TIME_OUT if exchange.timed_out else "server_error"
    return Finding(rule, f"{event.label} got no answer: {message}", exchange)


@cache
def _register() -> None:
    """Makes schemathesis know our rules; its registry is global, so once a process."""
    import schemathesis  # noqa: PLC0415 - as above

    for name, rule in RULES.items():

        def judge(
            _: "CheckContext", response: "Response", case: "Case[Any]", rule: Any = rule
        ) -> None:
            exchange = _exchange(response)
            body = case.body if isinstance(case.body, dict | list | str | int | float) else None
            valid = bool(case.meta and case.meta.generation.mode.is_positive)
            if fault := rule(exchange, body, valid):
                raise AssertionError(fault)

        judge.__name__ = f"{PREFIX}{name}"
        schemathesis.check(judge)


def _findings(event: "ScenarioFinished") -> Iterator[Finding]:
    for case_id, nodes in event.recorder.checks.items():
        interaction = event.recorder.interactions.get(case_id)
        for node in nodes:
            if node.failure_info and interaction and interaction.response:
                fault = node.failure_info.failure.message.strip()
                exchange = _exchange(interaction.response)
                yield Finding(node.name.removeprefix(PREFIX), fault, exchange)


def _exchange(response: "Response") -> Exchange:
    request = response.request
    body = request.body or b""
    return Exchange(
        method=request.method or "GET",
        url=request.url or "",
        request_headers=[
            (name, str(value))
            for name, value in request.headers.items()
            if name in {"Authorization", "Content-Type"}
        ],
        request_body=body if isinstance(body, bytes) else str(body).encode(),
        status=response.status_code,
        headers=[(name, value) for name, values in response.headers.items() for value in values],
        body=response.content or b"",
        duration_s=response.elapsed,
    )
