"""One request and its answer; above all, that a curl line really sends the request again."""

import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from contract_tests.expect import UNPRINTABLE
from contract_tests.report.model import outcome_of
from contract_tests.result import Result
from contract_tests.target import Target
from contract_tests.verdict import Broken, Verdict
from contract_tests.wire.exchange import Exchange
from tests.contract_tests.made_up import rule
from tests.contract_tests.tiny_apps import Asked, Reply, Running, running, says

KEY = "sk-very-secret-4711"
OWN = {"host", "user-agent", "accept", "connection", "accept-encoding"}  # each client's own


@pytest.fixture(scope="module")
def here() -> Iterator[Running]:
    with running(says(Reply({"object": "x"}))) as server:
        yield server


def curled(line: str) -> str:
    """What that line prints, typed into a shell that knows the key."""
    typed = subprocess.run(
        ["sh", "-c", line],
        env={"PATH": os.environ["PATH"], "OPENAI_API_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=5,
        check=False,
    )
    assert typed.returncode == 0, f"{line}\n{typed.stderr}"
    return typed.stdout


def told(asked: Asked) -> tuple[str, str, dict[str, str], bytes]:
    """What a server sees of a request, without what each client adds of its own."""
    headers = {name: value for name, value in asked.headers.items() if name not in OWN}
    return asked.method, asked.target, headers, asked.body


async def sent_twice(here: Running, exchange: Exchange) -> tuple[Asked, Asked]:
    """The request as the suite sends it, and as its curl line does."""
    here.asked.clear()
    async with Target(here.url, timeout_s=2, pauses_s=()) as target:
        await target.send(exchange)
    assert KEY not in exchange.curl()
    curled(exchange.curl())
    first, second = here.asked
    return first, second


def of(here: Running, method: str, path: str, content: bytes = b"", **options: Any) -> Exchange:
    """A request as checks make it, in a run with a key."""
    return Target(here.url, key=KEY).exchange(method, path, content, **options)


BODIES = {
    "json": b'{"model": "m", "messages": []}',
    "single quotes": b"""{"a": "it's 'quoted' ''"}""",
    "double quotes": b'{"a": "say \\"hi\\""}',
    "shell": b'{"a": "$HOME `id` $(id) \\\\ ! # & ; | > *"}',
    "unicode": json.dumps({"a": "naïve 日本語 🎉 👩\u200d🚀"}, ensure_ascii=False).encode(),
    "escapes": json.dumps({"a": "日\ud800\x00"}).encode(),
    "lines": b'{\n  "a": 1,\r\n  "b": 2\n}\n',
    "a leading at": b"@/etc/passwd",
    "a leading dash": b"--version",
    "truncated": b'{"model": ',
    "percent": b'{"a": "%s %n %20"}',
    "not UTF-8": b'{"a": "\xff%s\\n"}',
    "NUL": b'{"a": "\x00"}',
    "gzip": gzip.compress(b'{"model": "m"}', mtime=0),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_curl_line_sends_the_same_body(here: Running, name: str) -> None:
    first, second = await sent_twice(here, of(here, "POST", "/chat/completions", BODIES[name]))
    assert told(first) == told(second)
    assert second.body == BODIES[name]


ODD_BODIES = {
    "not UTF-8": b'{"a": "\xff"}',
    "NUL": b'{"a": "\x00"}',
    "tabs and returns": b'{\t"a":\r\n "b"}',
    "escapes and percents": b"\x1b[31m\\n %s %% \\ '\"",
    "a leading dash": b"-n \x07",
    "turned round": "\u202eabc\u2069".encode(),
    "long": b"x" * 5000,
    "longer": b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "long and not UTF-8": b"\xff\x00" * 50_000,
}


@pytest.mark.parametrize("name", ODD_BODIES)
async def test_a_curl_line_of_printable_characters_sends_the_same_odd_body(
    here: Running, name: str
) -> None:
    exchange = of(here, "POST", "/chat/completions", ODD_BODIES[name])
    _, second = await sent_twice(here, exchange)
    assert second.body == ODD_BODIES[name]
    assert not UNPRINTABLE.search(exchange.curl())
    assert len(exchange.curl()) < 10_000


def test_a_body_that_no_line_can_hold_makes_the_line_a_comment(here: Running) -> None:
    exchange = of(here, "POST", "/chat/completions", Random(1).randbytes(50_000))
    assert exchange.curl().startswith("# curl ")
    assert not UNPRINTABLE.search(exchange.curl())
    assert curled(exchange.curl()) == ""


@pytest.mark.parametrize("size", [0, 90_000])
def test_a_curl_line_hides_the_key_in_a_body_too(here: Running, size: int) -> None:
    line = of(here, "POST", "/x", f"{KEY}\n{'a' * size}".encode()).curl()
    assert KEY not in line
    first = subprocess.run(
        ["sh", "-c", line.partition("| curl")[0]], capture_output=True, check=True
    )
    assert KEY.encode() not in first.stdout


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", "/models", b""),
        ("GET", "/models/a%2Fb%20c?limit=2&after=x", b""),
        ("GET", "/models/[a-c]", b""),
        ("GET", "/models/it's", b""),
        ("DELETE", "/models/m", b""),
        ("POST", "/chat/completions", b""),
        ("OPTIONS", "/chat/completions", b""),
        ("HEAD", "/models", b""),
        ("GET", "/models", b"{}"),
        ("PUT", "/models", b"{}"),
        ("PATCH", "/models", b"{}"),
    ],
)
async def test_a_curl_line_sends_the_same_method_to_the_same_path(
    here: Running, method: str, path: str, content: bytes
) -> None:
    first, second = await sent_twice(here, of(here, method, path, content))
    assert second.method == method
    wanted, got = told(first), told(second)
    assert (got[0], got[1], got[3]) == (wanted[0], wanted[1], wanted[3])


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Request-Id": 'it\'s "quoted" $HOME `id` \\'},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-8"},
        {"X-Empty": ""},
        {"Origin": "https://app.example", "OpenAI-Organization": "org-1"},
        {"Authorization": f"bearer {KEY}"},
        {"Authorization": "Bearer sk-certainly-wrong"},
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": KEY},
        {"Authorization": "Bearer"},
    ],
    ids=str,
)
async def test_a_curl_line_sends_the_same_headers(here: Running, headers: dict[str, str]) -> None:
    first, second = await sent_twice(here, of(here, "POST", "/x", b"{}", headers=headers))
    assert told(first) == told(second)


async def test_a_curl_line_asks_for_the_same_encoding(here: Running) -> None:
    exchange = of(here, "GET", "/models", headers={"Accept-Encoding": "gzip, deflate"})
    first, second = await sent_twice(here, exchange)
    assert first.headers["accept-encoding"] == second.headers["accept-encoding"]


async def test_a_curl_line_takes_the_key_from_the_environment(here: Running) -> None:
    first, second = await sent_twice(here, of(here, "GET", "/models"))
    assert first.headers["authorization"] == f"Bearer {KEY}" == second.headers["authorization"]


async def test_a_curl_line_sends_another_key_as_it_is(here: Running) -> None:
    first, second = await sent_twice(here, of(here, "GET", "/models", key="sk-wrong"))
    assert first.headers["authorization"] == "Bearer sk-wrong" == second.headers["authorization"]


async def test_a_curl_line_without_a_key_sends_none(here: Running) -> None:
    for exchange in (of(here, "GET", "/models", key=""), Target(here.url).exchange("GET", "/m")):
        for asked in await sent_twice(here, exchange):
            assert "authorization" not in asked.headers


def test_a_key_is_never_shown_where_the_own_one_is_not_known() -> None:
    line = Exchange("GET", "http://x", [("authorization", f"Bearer {KEY}")], b"").curl()
    assert KEY not in line
    assert "$OPENAI_API_KEY" in line
    assert KEY not in repr(Exchange("GET", "http://x", [], b"", key=KEY))


def test_a_curl_line_shows_the_status_and_the_body(here: Running) -> None:
    printed = curled(of(here, "GET", "/models").curl())
    assert printed.startswith("HTTP/1.1 200")
    assert printed.endswith('{"object": "x"}')


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b'\xef\xbb\xbf{"a": 1}', b'{"a": NaN}', b"[" * 100_000, b"1" * 5000],
    ids=lambda body: repr(body[:8]),
)
def test_a_body_that_is_no_json_is_broken(body: bytes) -> None:
    answer = Exchange("GET", "http://x", [], b"", 200, body=body)
    with pytest.raises(Broken, match="a JSON body"):
        _ = answer.json
    with pytest.raises(Broken):
        _ = answer.error


def test_a_body_that_is_cut_off_is_broken_though_it_reads_as_json() -> None:
    answer = Exchange("GET", "http://x", [], b"", 200, body=b"1", fault="the peer closed")
    with pytest.raises(Broken, match="the peer closed"):
        _ = answer.json


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"error": "no"}', b'{"error": null}', b"{}"])
def test_an_error_of_another_shape_is_empty(body: bytes) -> None:
    assert Exchange("GET", "http://x", [], b"", 400, body=body).error == {}


def test_the_media_type_has_no_parameters() -> None:
    headers = [("Content-Type", "Text/Event-Stream; charset=utf-8")]
    assert Exchange("GET", "http://x", [], b"", headers=headers).media_type == "text/event-stream"
    assert Exchange("GET", "http://x", [], b"").media_type == ""


def test_a_report_can_hold_whatever_a_server_says() -> None:
    odd = Exchange("GET", "http://x", [], b"", 200, body=b"\xff\x00\x1b[31m")
    result = Result(rule(), Verdict.FAIL, "\ud800", "\ud800", f"{KEY}\udfff\x00", exchanges=[odd])
    written = outcome_of(result, KEY).model_dump_json()
    assert KEY not in written
    assert json.loads(written)["seen"] == "[key]\ufffd\ufffd"
    assert "\\u001b" not in written
