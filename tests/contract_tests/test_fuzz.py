"""Fuzzing: the rules one by one, the documents, and small campaigns."""

import json
import os
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from contract_tests.fuzz.campaign import TIME_OUT, Fuzz, campaign
from contract_tests.fuzz.document import base_of, own_document, read_document
from contract_tests.fuzz.rules import RULES
from contract_tests.wire.exchange import Exchange
from tests.contract_tests.bad_servers import HEAD, serving
from tests.contract_tests.right_answers import CHAT, CHUNK, COMPLETION, PART, VECTORS
from tests.contract_tests.tiny_apps import Asked, Reply, refusal, running, says
from tests.server import Server, free_port

V1 = "http://127.0.0.1:1/v1"
CHATS, TEXTS = f"{V1}/chat/completions", f"{V1}/completions"
NAMED = {"error": {"message": "no", "type": "x", "param": "temperature", "code": None}}
NAMELESS = {"error": {"message": "no", "type": "x", "param": None, "code": None}}
END = {**CHUNK, "choices": [{**CHUNK["choices"][0], "delta": {}, "finish_reason": "stop"}]}


def answered(
    body: Any, status: int = 200, url: str = CHATS, method: str = "POST", kind: str = "json"
) -> Exchange:
    """An answer of JSON, or of whatever bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [("content-type", f"application/{kind}")]
    return Exchange(method, url, [], b"{}", status, headers, content)


def streamed(*chunks: Any, ends: str = "data: [DONE]\n\n", url: str = CHATS) -> Exchange:
    """A streamed answer."""
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + ends
    answer = answered(body.encode(), url=url)
    return replace(answer, headers=[("Content-Type", "text/event-stream; charset=utf-8")])


@dataclass(frozen=True)
class Case:
    """An answer, the request's body, and whether that keeps the document."""

    rule: str
    answer: Exchange
    body: Any = None
    valid: bool = True

    def __str__(self) -> str:
        return f"{self.rule} {self.answer.method} {self.answer.status} {self.answer.text[-60:]}"


ASKED = {"model": "m", "temperature": 3}
STREAM = {"stream": True}
FIRING = [
    Case("server_error", answered(NAMED, 500)),
    Case("server_error", answered(b"<html>", 502), valid=False),
    Case("server_error", answered(b"", 599)),
    Case("envelope", answered({"detail": "no"}, 422)),
    Case("envelope", answered({"error": "no"}, 400)),
    Case("envelope", answered({"error": {"message": "no"}}, 400)),
    Case("envelope", answered([], 400)),
    Case("envelope", answered(b"no", 400)),
    Case("envelope", answered(b"", 404, method="GET")),
    Case("envelope", answered(b"Internal Server Error", 500)),
    Case("refuses_invalid", answered(CHAT), ASKED, valid=False),
    Case("refuses_invalid", answered(b"", 302), ASKED, valid=False),
    Case("refuses_by_name", answered(NAMELESS, 400), ASKED),
    Case("refuses_by_name", answered({"error": {}}, 422), ASKED),
    Case("schema", answered({**CHAT, "created": "now"})),
    Case("schema", answered([])),
    Case("schema", answered(b"hi")),
    Case("schema", answered({**COMPLETION, "object": "x"}, url=TEXTS)),
    Case("schema", answered({**VECTORS, "data": None}, url=f"{V1}/embeddings")),
    Case("schema", answered({}, url=f"{V1}/moderations")),
    Case("schema", answered({}, url="http://127.0.0.1:1/openai/chat/completions")),
    Case("schema", streamed({**CHUNK, "object": "x"})),
    Case("schema", streamed({**PART, "created": None}, url=TEXTS)),
    Case("schema", streamed(ends="data: {\n\n")),
    Case("schema", streamed()),
    Case("stream", streamed(END, ends=""), STREAM),
    Case("stream", streamed(END, ends="data: [DONE]\n\ndata: [DONE]\n\n"), STREAM),
    Case("stream", streamed(ends=f"data: [DONE]\n\ndata: {json.dumps(END)}\n\n"), STREAM),
    Case("stream", streamed(CHUNK), STREAM),
    Case("stream", streamed(END, END), STREAM),
    Case("stream", streamed({"choices": [{"index": [], "delta": {}}]}), STREAM),
    Case("stream", streamed(ends="data: [DONE]\n\n"), STREAM),
    Case("stream", streamed(ends=""), STREAM),
    Case("stream", answered(CHAT), STREAM),
]
SILENT = [
    Case("server_error", answered(CHAT)),
    Case("server_error", answered(NAMED, 400)),
    Case("server_error", answered(NAMED, 501)),
    Case("envelope", answered(CHAT)),
    Case("envelope", answered(NAMELESS, 400)),
    Case("envelope", answered({"error": {"message": "", "type": "x", "more": 1}}, 500)),
    Case("envelope", answered(b"", 405, method="TRACE")),
    Case("refuses_invalid", answered(CHAT), ASKED),
    Case("refuses_invalid", answered(NAMED, 400), ASKED, valid=False),
    Case("refuses_invalid", answered(NAMED, 500), ASKED, valid=False),
    Case("refuses_invalid", answered({}, method="GET"), valid=False),
    Case("refuses_by_name", answered(NAMED, 400), ASKED),
    Case("refuses_by_name", answered(NAMELESS, 400), ASKED, valid=False),
    Case("refuses_by_name", answered(CHAT), ASKED),
    Case("refuses_by_name", answered(NAMELESS, 500), ASKED),
    Case("refuses_by_name", answered(NAMELESS, 400), [1]),
    Case("refuses_by_name", answered(b"no", 400), ASKED),
    Case("schema", answered(CHAT)),
    Case("schema", answered(COMPLETION, url=TEXTS)),
    Case("schema", answered(VECTORS, url=f"{V1}/embeddings")),
    Case("schema", answered(b"", 400)),
    Case("schema", answered({"status": "ok"}, url="http://127.0.0.1:1/health")),
    Case("schema", answered({"object": "list", "data": []}, method="GET")),
    Case("schema", answered({"id": "x"}, url=f"{V1}/models/completions", method="GET")),
    Case("schema", streamed(CHUNK, END)),
    Case("schema", streamed(PART, COMPLETION, url=TEXTS)),
    Case("stream", streamed(CHUNK, END, {"choices": [], "usage": {}}), STREAM),
    Case("stream", streamed(END, ends=": bye\n\ndata: [DONE]\n\n: bye\n\n"), STREAM),
    Case("stream", streamed(PART, COMPLETION, url=TEXTS), STREAM),
    Case("stream", answered(CHAT), {"stream": False}),
    Case("stream", answered(NAMED, 400), STREAM),
    Case("stream", answered(VECTORS, url=f"{V1}/embeddings"), STREAM),
]


@pytest.mark.parametrize("case", FIRING, ids=str)
def test_a_rule_tells_what_breaks_it(case: Case) -> None:
    fault = RULES[case.rule](case.answer, case.body, case.valid)
    assert isinstance(fault, str)
    assert fault


@pytest.mark.parametrize("case", SILENT, ids=str)
def test_a_rule_is_silent_on_what_keeps_it(case: Case) -> None:
    assert RULES[case.rule](case.answer, case.body, case.valid) is None


def test_every_rule_is_seen_to_fire_and_to_be_silent() -> None:
    assert {case.rule for case in FIRING} == set(RULES) == {case.rule for case in SILENT}


# --- documents ---


def test_our_document_names_the_models_and_leaves_out_what_has_none() -> None:
    document = own_document({"chat": "m", "moderations": "n"})
    assert set(document["paths"]) == {
        "/chat/completions",
        "/moderations",
        "/models",
        "/models/{model}",
    }
    schemas = document["components"]["schemas"]
    assert schemas["Chat"]["properties"]["model"] == {"enum": ["m"]}
    assert schemas["Moderation"]["properties"]["model"] == {"enum": ["n", None]}
    assert "/chat/completions" not in own_document({})["paths"]


@pytest.mark.parametrize(
    ("paths", "base"),
    [
        (["/v1/chat/completions", "/health"], "http://x"),
        (["/health", "/v1/models"], "http://x"),
        (["/chat/completions", "/models"], "http://x/v1"),
        (["/models", "/embeddings"], "http://x/v1"),
        (["/models/{model}"], "http://x/v1"),
    ],
)
def test_paths_lie_below_the_base_url_unless_they_repeat_its_v1(
    paths: list[str], base: str
) -> None:
    assert base_of({"paths": {path: {} for path in paths}}, "http://x/v1") == base


@pytest.mark.parametrize("text", ["", "[]", "7", "{", "a: [", '{"openapi": "3.1.0"}', "\0"])
@pytest.mark.parametrize("name", ["d.json", "d.yaml"])
def test_a_file_of_something_else_cannot_be_fuzzed(text: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=r"d\.(json|yaml)"):
        read_document(path)


def test_a_document_may_be_json_or_yaml(tmp_path: Path) -> None:
    for name, text in (
        ("d.json", '{"openapi": "3.1.0", "paths": {}}'),
        ("d.yml", "openapi: 3.1.0\npaths: {}\n"),
    ):
        (tmp_path / name).write_text(text)
        assert read_document(tmp_path / name) == {"openapi": "3.1.0", "paths": {}}


# --- campaigns ---


def fuzzed(url: str, models: dict[str, str], document: Path | None = None) -> list[str]:
    """What a small campaign finds, as `rule: fault`."""
    found = campaign(Fuzz(1, 1, document), url, "sk-fuzz", models, 2)
    return [f"{one.rule}: {one.fault} {one.exchange.request_body!r}" for one in found]


def small(document: dict[str, Any], folder: Path, *paths: str) -> Path:
    """The document with those of its paths alone, in a file."""
    kept = {path: document["paths"][path] for path in paths}
    file = folder / "small.json"
    file.write_text(json.dumps({**document, "paths": kept}))
    return file


@pytest.fixture(scope="module")
def warm(mock: Server) -> Server:
    """The mock, once schemathesis is loaded and has made its first requests."""
    campaign(Fuzz(1), f"{mock.url}/v1", None, {}, 2)
    return mock


def test_nothing_is_found_in_the_mock(warm: Server) -> None:
    assert fuzzed(f"{warm.url}/v1", {"embeddings": "text-embedding-3-small"}) == []


def test_a_server_s_own_document_can_be_fuzzed_by(warm: Server, tmp_path: Path) -> None:
    with warm.http() as client:
        document = client.get("/openapi.json").json()
    path = small(document, tmp_path, "/v1/models", "/v1/models/{model}", "/health")
    assert fuzzed(f"{warm.url}/v1", {}, path) == []


def test_the_official_document_can_be_fuzzed_by(warm: Server, tmp_path: Path) -> None:
    path = os.environ.get("OPENAI_OPENAPI_DOCUMENT")
    if not path:
        pytest.skip("OPENAI_OPENAPI_DOCUMENT names no document to fuzz by")
    official = read_document(Path(path))
    document = small(official, tmp_path, "/models", "/models/{model}")
    assert base_of(official, f"{warm.url}/v1") == f"{warm.url}/v1"
    assert not [one for one in fuzzed(f"{warm.url}/v1", {}, document) if "404" in one]


def test_a_server_that_breaks_every_rule_is_found_out_and_sees_the_key() -> None:
    async def respond(asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply({"detail": "gone"}, 404)
        return refusal(500) if b"null" in asked.body else Reply({"object": "wrong"})

    with running(respond) as here:
        found = campaign(Fuzz(1), here.url, "sk-fuzz", {"embeddings": "m"}, 2)
    assert {one.rule for one in found} >= {"server_error", "envelope", "refuses_invalid", "schema"}
    assert {one.headers["authorization"] for one in here.asked} == {"Bearer sk-fuzz"}
    assert all(one.exchange.url.startswith(here.url) and one.exchange.status for one in found)
    assert all("sk-fuzz" not in one.exchange.curl() for one in found)


def test_a_campaign_can_be_repeated() -> None:
    seen: list[list[bytes]] = []

    async def respond(_: Asked) -> Reply:
        return refusal(400)

    for _ in range(2):
        with running(respond) as here:
            campaign(Fuzz(1, seed=7), here.url, None, {}, 2)
        seen.append([one.target.encode() + one.body for one in here.asked])
    assert sorted(seen[0]) == sorted(seen[1])


@pytest.mark.parametrize("operation", [7, {"requestBody": {}, "responses": []}])
def test_a_document_that_is_malformed_cannot_be_fuzzed(operation: Any, tmp_path: Path) -> None:
    document = {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}}
    path = small({**document, "paths": {"/a": {"post": operation}}}, tmp_path, "/a")
    with running(says(Reply())) as here, pytest.raises(ValueError, match="cannot be fuzzed"):
        campaign(Fuzz(1, 1, path), here.url, None, {}, 1)


@pytest.mark.parametrize("midway", [False, True], ids=["at once", "midway"])
def test_a_server_that_is_late_breaks_no_rule(midway: bool) -> None:
    def speak(connection: socket.socket) -> None:
        if midway:
            connection.sendall(HEAD % b"application/json" + b"Content-Length: 99\r\n\r\n{")
        time.sleep(5)

    with serving(speak) as url:
        found = campaign(Fuzz(1), url, None, {"embeddings": "m"}, 0.2)
    assert {one.rule for one in found} == {TIME_OUT}
    assert all(one.exchange.timed_out for one in found)


def test_a_server_that_is_gone_is_a_finding() -> None:
    found = campaign(Fuzz(1), f"http://127.0.0.1:{free_port()}/v1", None, {}, 1)
    assert {one.rule for one in found} == {"server_error"}
    assert all("got no answer" in one.fault and one.exchange.fault for one in found)
