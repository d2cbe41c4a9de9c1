"""Defects of throttling, and of the headers that speak of it."""

from tests.mutants.families import answers, sets_header
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

ERROR = {"message": "Slow down.", "type": "rate_limit_error", "param": None, "code": None}


def _throttles(body: object, **headers: str) -> Layer:
    """Throttles the model list."""

    def before(call: Call) -> Answer | None:
        if call.path != "/models":
            return None
        answer = Answer.of(429, body)
        for name, value in headers.items():
            answer.set_header(name.replace("_", "-"), value)
        return answer

    return around(before=before)


def _wrong(check: str, name: str, *values: str) -> tuple[Mutant, ...]:
    return tuple(
        Mutant(
            f"http-backoff-{name}-{place}",
            f"{name} is {value!r}",
            sets_header(name, value),
            (f"http.backoff.{check}",),
        )
        for place, value in enumerate(values)
    )


MUTANTS = (
    Mutant(
        "http-backoff-no-envelope",
        "a 429 has a body of its own shape",
        _throttles({"detail": "Slow down."}, retry_after="1"),
        ("http.backoff.envelope",),
    ),
    Mutant(
        "http-backoff-bare-error",
        "a 429's error is a text",
        _throttles({"error": "Slow down."}, retry_after="1"),
        ("http.backoff.envelope",),
    ),
    *(
        Mutant(
            f"http-backoff-seconds-{place}",
            f"a 429's Retry-After is {value!r}",
            _throttles({"error": ERROR}, retry_after=value),
            ("http.backoff.whole_seconds",),
        )
        for place, value in enumerate(
            ("0", "-1", "0.5", "1s", "Wed, 21 Oct 2026 07:28:00 GMT", "soon")
        )
    ),
    Mutant(
        "http-backoff-not-sent",
        "a 429 has no Retry-After",
        _throttles({"error": ERROR}),
        ("http.backoff.sent",),
    ),
    *_wrong("retry_after", "retry-after", "soon", "2m", "-1", ""),
    *_wrong("retry_after_ms", "retry-after-ms", "soon", "20ms"),
    *_wrong("should_retry", "x-should-retry", "yes", "1", "True"),
    *_wrong("limits", "x-ratelimit-limit-requests", "many", "60.5"),
    *_wrong("limits", "x-ratelimit-limit-tokens", "150k"),
    *_wrong("limits", "x-ratelimit-remaining-requests", "None"),
    *_wrong("limits", "x-ratelimit-remaining-tokens", ""),
    *_wrong("resets", "x-ratelimit-reset-requests", "soon", "2026-08-21T00:00:00Z"),
    *_wrong("resets", "x-ratelimit-reset-tokens", "60", ""),
    *(
        Mutant(
            f"http-backoff-permanent-{status}",
            f"refusals with {refused} are {status} instead",
            answers(refused, status),
            ("http.backoff.permanent",),
        )
        for refused, status in ((400, 500), (400, 409), (400, 408), (404, 503))
    ),
)
