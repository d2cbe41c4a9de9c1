"""One request and its answer, as they were on the wire."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contract_tests.expect import show
from contract_tests.verdict import Broken, TimedOut
from contract_tests.wire.curl import curl


@dataclass
class Exchange:
    """One request and its answer.

    `arrivals` tells how many bytes of the body were there at which second after the request.
    `fault` is what went wrong below HTTP, in words; the answer is then incomplete. `timed_out` says
    that the fault is a wait that ran out while the server may still have been at work. `key` is the
    run's own key; where it is not known, every key is taken for it and never shown.
    """

    method: str
    url: str
    request_headers: list[tuple[str, str]]
    request_body: bytes
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    duration_s: float = 0.0
    fault: str | None = None
    timed_out: bool = False
    key: str | None = field(default=None, repr=False)
    version: str = "1.1"

    def header(self, name: str) -> str | None:
        """The first response header of that name."""
        return next(iter(self.headers_of(name)), None)

    def headers_of(self, name: str) -> list[str]:
        """Every response header of that name."""
        return [value for known, value in self.headers if known.lower() == name.lower()]

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def ok(self) -> bool:
        """Whether the server accepted the request."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode(errors="replace")

    def in_time(self) -> "Exchange":
        """The exchange, whose answer came in time.

        Raises:
            TimedOut: it did not, so that nothing can be said of it.
        """
        if self.timed_out:
            raise TimedOut(self.fault or "no answer")
        return self

    @cached_property
    def json(self) -> Any:
        """The body's JSON value.

        Raises:
            Broken: the body is cut off, or is not JSON in UTF-8.
            TimedOut: its end did not come in time.
        """
        self.in_time()
        if self.fault:
            raise Broken("a whole answer", self.fault)
        try:
            return json.loads(self.body.decode(), parse_constant=not_json)
        except (ValueError, RecursionError) as error:
            raise Broken("a JSON body", f"{error}: {show(self.text)}") from error

    @property
    def error(self) -> dict[str, Any]:
        """The `error` object of an error body; empty if there is none.

        Raises:
            Broken: the body is not JSON.
        """
        body = self.json
        error = body.get("error") if isinstance(body, dict) else None
        return error if isinstance(error, dict) else {}

    def brief(self) -> str:
        """The answer as one line: status, then what the body says."""
        return f"{self.fault or self.status} {show(self.text, 240)}".strip()

    def curl(self) -> str:
        """A command line that sends the request again; its key comes from `$OPENAI_API_KEY`."""
        headers, body = self.request_headers, self.request_body
        return curl(self.method, self.url, headers, body, self.key, version=self.version)


def not_json(constant: str) -> None:
    """Refuses what Python reads as a number though JSON has no such word: NaN, Infinity."""
    raise ValueError(f"{constant} is not JSON")
