"""What tells a client to wait and to try again: statuses and headers of throttling."""

import json
import re
from email.utils import parsedate_to_datetime

from contract_tests.check import MAY, MUST, SHOULD, check
from contract_tests.expect import expect
from contract_tests.samples import CHAT, MODELS, NO_MODEL
from contract_tests.server import Server
from contract_tests.sources import issue, live, sdk, spec
from contract_tests.target import THROTTLED
from contract_tests.wire.exchange import Exchange

# Statuses that make the official clients send the request again. Not 429, which may be a real
# limit, and not 501, which says that the server has no such feature.
RETRIED = frozenset({408, 409, 500, 502, 503, 504})
THROTTLES = "/components/responses/TooManyRequests"
RETRY = sdk("_base_client.BaseClient._parse_retry_after_header")
GUESSES = "the SDKs cannot read it, and guess 0.5 to 8 s"
DURATION = re.compile(r"(\d+h)?(\d+m)?(\d+(\.\d+)?s)?(\d+(\.\d+)?ms)?")
LIMITS = [
    f"x-ratelimit-{part}-{unit}"
    for part in ("limit", "remaining")
    for unit in ("requests", "tokens")
]
RESETS = ["x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"]


async def _seen(server: Server) -> list[Exchange]:
    """Every answer of the run so far, after a success and a refusal at least."""
    await server.get(MODELS)
    await server.post(CHAT, {"model": server.model(), "messages": 1}, fresh=False)
    return [exchange for exchange in server.target.exchanges if exchange.status]


def _is_seconds(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text.strip()) is not None


def _is_date(text: str) -> bool:
    try:
        parsedate_to_datetime(text)
    except ValueError:
        return False
    return True


@check(
    "http.backoff.envelope",
    MUST,
    "A 429 has an error body.",
    spec(f"{THROTTLES}/content/application~1json"),
    sdk("RateLimitError"),
    clients="the reason of the limit is lost",
    alone=True,
)
async def envelope(server: Server) -> None:
    for answer in await _seen(server):
        if answer.status == THROTTLED:
            message = answer.error.get("message")
            expect(isinstance(message, str), "an error body", answer.brief())


@check(
    "http.backoff.whole_seconds",
    MUST,
    "`Retry-After` of a 429, if sent, is a whole number of seconds, 1 or more.",
    spec(f"{THROTTLES}/headers/Retry-After/schema"),
    issue("openai/openai-openapi#564"),
    clients="clients that are generated from the document; a zero makes the SDKs guess",
    alone=True,
)
async def whole_seconds(server: Server) -> None:
    for answer in await _seen(server):
        value = answer.header("retry-after")
        if answer.status == THROTTLED and value is not None:
            whole = re.fullmatch(r"0*[1-9]\d*", value.strip())
            expect(whole, "whole seconds, 1 or more", f"Retry-After: {value}")


@check(
    "http.backoff.sent",
    SHOULD,
    "A 429 tells with `Retry-After` when to come back.",
    spec(f"{THROTTLES}/headers/Retry-After"),
    RETRY,
    issue("BerriAI/litellm#4695", "openai/openai-openapi#564", "griffinwork40/agent-afk#538"),
    clients="the SDKs guess 0.5 to 8 s and burn their two retries",
    alone=True,
)
async def sent(server: Server) -> None:
    for answer in await _seen(server):
        # A quota that is used up is for a person to raise; no wait helps.
        if answer.status == THROTTLED and answer.error.get("code") != "insufficient_quota":
            value = answer.header("retry-after") or answer.header("retry-after-ms")
            expect(value, "a `Retry-After`", answer.brief())


@check(
    "http.backoff.retry_after",
    SHOULD,
    "`Retry-After`, if sent, is a number of seconds or an HTTP date.",
    RETRY,
    clients=GUESSES,
    alone=True,
)
async def retry_after(server: Server) -> None:
    for answer in await _seen(server):
        for value in answer.headers_of("retry-after"):
            expect(_is_seconds(value) or _is_date(value), "seconds or a date", value)


@check(
    "http.backoff.retry_after_ms",
    SHOULD,
    "`retry-after-ms`, if sent, is a number.",
    RETRY,
    clients=GUESSES,
    alone=True,
)
async def retry_after_ms(server: Server) -> None:
    for answer in await _seen(server):
        for value in answer.headers_of("retry-after-ms"):
            expect(_is_seconds(value), "a number of milliseconds", value)


@check(
    "http.backoff.should_retry",
    SHOULD,
    "`x-should-retry`, if sent, is `true` or `false`.",
    sdk("_base_client.BaseClient._should_retry"),
    clients="the SDKs ignore any other word",
    alone=True,
)
async def should_retry(server: Server) -> None:
    for answer in await _seen(server):
        for value in answer.headers_of("x-should-retry"):
            expect(value in {"true", "false"}, "true or false", value)


@check(
    "http.backoff.limits",
    SHOULD,
    "`x-ratelimit-limit-…` and `x-ratelimit-remaining-…`, if sent, are whole numbers.",
    live("x-ratelimit-limit-requests and its kin"),
    clients="load balancers that steer by the remaining tokens",
    alone=True,
)
async def limits(server: Server) -> None:
    for answer in await _seen(server):
        for name in LIMITS:
            for value in answer.headers_of(name):
                expect(re.fullmatch(r"-?\d+", value.strip()), "a whole number", f"{name}: {value}")


@check(
    "http.backoff.resets",
    MAY,
    "`x-ratelimit-reset-…`, if sent, is a duration such as 6ms, 1s or 2m30s.",
    live("x-ratelimit-reset-requests and its kin"),
    clients="clients that wait by it",
    alone=True,
)
async def resets(server: Server) -> None:
    for answer in await _seen(server):
        for name in RESETS:
            for value in answer.headers_of(name):
                text = value.strip()
                expect(text and DURATION.fullmatch(text), "a duration", f"{name}: {value}")


@check(
    "http.backoff.permanent",
    MUST,
    "A request that can never succeed is not refused with a status that asks for a retry.",
    sdk("_base_client.BaseClient._should_retry"),
    needs="chat",
    clients="every SDK sends the wrong request three times",
)
async def permanent(server: Server) -> None:
    no_messages = {"model": server.model()}
    wrong_messages = {"model": server.model(), "messages": 1}
    unknown_model = {**server.chat_body(), "model": NO_MODEL}
    for body in (no_messages, wrong_messages, unknown_model):
        answer = await server.post(CHAT, body, fresh=False)
        wanted = f"a 4xx that is not retried, for {json.dumps(body)}"
        expect(answer.status not in RETRIED, wanted, answer.brief())
