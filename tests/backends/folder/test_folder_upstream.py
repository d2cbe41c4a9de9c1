"""What is sent to a provider, and what becomes of its good and bad answers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx import Response

from tests.adapter.envelope import error_of
from tests.backends.folder.folders import (
    EVENTS,
    HEADER,
    PAYLOAD,
    WHOLE,
    Body,
    Canned,
    canned,
    metadata,
    settings,
    write,
)
from tests.conftest import Serve
from tests.server import start

FOLDER = "backends.folder:FolderBackend"
ANSWER = json.dumps({"out": {"text": "Good.", "end": "stop"}})
JSON, SSE = "application/json", "text/event-stream"
VALUES = {
    "all": "{{messages}}",
    "turned": "{{messages | [].content}}",
    "text": "<{{prompt}}> at {{temperature}}",
    "half": {"left out": "{{stop}}", "with": ["{{seed}}", 1, None, "{{max_tokens}}"]},
    "constant": {"a": None, "b": [True, 1.5]},
    "who": "{{user}}",
}
SYSTEM = {"system": "{{system}}", "turns": "{{messages}}", "id": "{{id}}", "live": "{{stream}}"}


@dataclass
class Pair:
    """An upstream, and the adapter with a provider of each kind that leads to it."""

    upstream: Canned
    http: httpx.Client

    def say(
        self,
        *pieces: str,
        kind: str = JSON,
        status: int = 200,
        length: int | None = None,
        stalls: bool = False,
    ) -> None:
        """What the upstream answers from now on."""
        self.upstream.answer(*pieces, kind=kind, status=status, length=length, stalls=stalls)

    def ask(self, model: str = "whole", path: str = "chat/completions", **body: Any) -> Response:
        chat = {"messages": [{"role": "user", "content": "Hi"}]} if "chat" in path else {}
        return self.http.post(f"/v1/{path}", json={"model": model, **chat, **body})

    def choice(self, model: str = "whole", **body: Any) -> tuple[str, str]:
        """The text and the finish reason of the one choice."""
        answer = self.ask(model, **body)
        assert answer.status_code == 200, answer.text
        (choice,) = answer.json()["choices"]
        return choice["message"]["content"], choice["finish_reason"]


@pytest.fixture(scope="module")
def module_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("folder")
    with canned() as upstream:
        port = upstream.server_address[1]
        kinds: dict[str, tuple[Body, str, Body]] = {
            "whole": (WHOLE, HEADER, PAYLOAD),
            "events": (EVENTS, HEADER, PAYLOAD),
            "both": (EVENTS | WHOLE, HEADER, PAYLOAD),
            "values": (WHOLE, HEADER, VALUES),
            "system": (WHOLE, HEADER, SYSTEM),
            "path": (WHOLE, "POST /ask?key=${TEST_KEY} HTTP/1.1\r\n", PAYLOAD),
        }
        for name, (answer, header, payload) in kinds.items():
            about = metadata(port, models=[name], answer=answer)
            write(folder / "providers" / name, about, header, payload)
        server = start(folder, "--backend", FOLDER, **settings(folder / "providers"))
        with server.http() as http:
            yield Pair(upstream, http)
        server.stop()


@pytest.fixture
def pair(module_pair: Pair) -> Pair:
    module_pair.say(ANSWER)
    return module_pair


def test_values_are_json_and_never_text_pasted_in(pair: Pair) -> None:
    said = '"}, {{model}} \\ ${TEST_KEY} \u2028 日本語'
    messages = [{"role": "user", "content": said, "name": "ann"}]
    assert pair.ask(
        "values", messages=messages, temperature=0.5, max_completion_tokens=7, user="ann-7"
    ).is_success
    ((path, headers, body),) = pair.upstream.asked
    assert path == "/ask"
    assert headers["x-key"] == "sk-test"
    assert headers["content-type"] == JSON
    assert "authorization" not in headers
    assert body == {
        "all": [{"role": "user", "content": said, "name": "ann"}],
        "turned": [said],
        "text": f"<user (ann): {said}\n\nassistant:> at 0.5",
        "half": {"with": [1, None, 7]},
        "constant": {"a": None, "b": [True, 1.5]},
        "who": "ann-7",
    }


def test_the_systems_words_stand_in_one_place(pair: Pair) -> None:
    messages = [
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": "Hi"},
    ]
    assert pair.ask("system", messages=messages).is_success
    assert pair.ask("system").is_success
    assert pair.ask("system", "completions", prompt="Hi", max_tokens=2).is_success
    bodies = [body for _, _, body in pair.upstream.asked]
    assert [body.get("system") for body in bodies] == ["Be brief.", None, None]
    assert [body["turns"] for body in bodies] == [[{"role": "user", "content": "Hi"}]] * 3
    assert len({body["id"] for body in bodies}) == 3
    assert [body["live"] for body in bodies] == [False] * 3


def test_a_key_may_stand_in_the_path(pair: Pair) -> None:
    assert pair.ask("path").is_success
    assert pair.upstream.asked[0][0] == "/ask?key=sk-test"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"out": {"words": "Good.", "end": "stop"}}', "answer.json.text finds no text"),
        ('{"out": {"text": ["Good."]}}', "answer.json.text is no text"),
        ('{"out": {"text": "Good.", "end": "tired"}}', "does not know 'tired'"),
        ("[]", "answer.json.text finds no text"),
        ("Good.", "it is no JSON"),
        ('{"error": "No more paper."}', "No more paper."),
        ('{"error": {"message": "No ink.", "code": "ink"}}', "No ink."),
    ],
)
def test_a_whole_answer_of_another_shape(pair: Pair, body: str, said: str) -> None:
    pair.say(body)
    answer = pair.ask()
    assert answer.status_code == 502
    assert said in error_of(answer)["message"]


def test_an_answer_without_text_may_have_been_filtered(pair: Pair) -> None:
    pair.say('{"out": {"end": "content_filter"}}')
    assert pair.choice() == ("", "content_filter")


@pytest.mark.parametrize(("status", "told"), [(400, 400), (401, 502), (429, 429), (500, 500)])
def test_a_refusal_keeps_its_status(pair: Pair, status: int, told: int) -> None:
    pair.say('{"error": {"message": "No."}}', status=status)
    answer = pair.ask()
    assert answer.status_code == told
    assert error_of(answer)
    assert len(pair.upstream.asked) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "No."}}, "No."),
        ({"error": "No."}, "No."),
        ({"error": ["No.", {"why": ["Never."]}]}, "No.; why: Never."),
        ({"error": 7, "message": "No."}, "No."),
        ({"out": {"text": "x"}, "detail": [{"loc": ["body", "n"], "msg": "No."}]}, "n: No."),
        ("No.", "No."),
        ({"error": "Key sk-test of acme-1234 is no key."}, "Key [key] of acme-1234 is no key."),
    ],
)
def test_a_refusal_keeps_its_words(pair: Pair, body: Any, said: str) -> None:
    pair.say(json.dumps(body), status=400)
    for model in ("whole", "both"):
        answer = pair.ask(model)
        assert answer.status_code == 400
        assert error_of(answer)["message"] == said


def test_a_mapped_error_of_any_form_keeps_its_words(pair: Pair) -> None:
    for error, said in [(["No."], "No."), ({"why": {"detail": "No."}}, "why: No."), (7, "502")]:
        pair.say(json.dumps({"error": error}))
        answer = pair.ask()
        assert answer.status_code == 502
        assert said in error_of(answer)["message"]


def test_a_redirect_is_not_followed(pair: Pair) -> None:
    pair.say(status=307)
    assert pair.ask().status_code >= 500
    assert len(pair.upstream.asked) == 1


def test_nobody_there(serve: Serve, tmp_path: Path) -> None:
    write(tmp_path / "providers/one", metadata(9))
    with serve("--backend", FOLDER, **settings(tmp_path / "providers")).http() as http:
        chat = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
        answer = http.post("/v1/chat/completions", json=chat)
    assert answer.status_code == 503
    assert error_of(answer)["code"] == "backend_unavailable"


STREAM = ['data: {"d": "Go', 'od"}\n', '\ndata: {"d": "."}\r\n\r\n', 'data: {"f": "cut"}\n\n']


def test_a_stream_however_it_is_cut(pair: Pair) -> None:
    pair.say(*STREAM, kind=SSE)
    assert pair.choice("events") == ("Good.", "length")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("", "broke off"),
        ('data: {"e": {"message": "The river is dry."}}\n\n', "The river is dry."),
        ("data: half\n\n", "it is no JSON"),
        ('data: {"d": 1}\n\n', "answer.events.delta is no text"),
    ],
)
def test_a_stream_that_fails_is_never_a_whole_one(pair: Pair, end: str, said: str) -> None:
    pair.say(*STREAM[:-1], end, kind=SSE)
    whole = pair.ask("events")
    assert whole.status_code in {502, 503}
    assert said in error_of(whole)["message"]
    *_, last = [line for line in pair.ask("events", stream=True).text.splitlines() if line]
    assert said in json.loads(last.removeprefix("data: "))["error"]["message"]


def test_the_mapping_finds_no_text_in_a_stream(pair: Pair) -> None:
    pair.say('data: {"x": "Good."}\n\ndata: {"f": "stop"}\n\n', kind=SSE)
    assert "answer.events.delta finds no text" in error_of(pair.ask("events"))["message"]


@pytest.mark.parametrize("model", ["whole", "events"])
def test_a_body_that_breaks_off_is_an_error(pair: Pair, model: str) -> None:
    pieces, kind = ([ANSWER], JSON) if model == "whole" else (STREAM[:-1], SSE)
    pair.say(*pieces, kind=kind, length=9999)
    answer = pair.ask(model)
    assert answer.status_code == 503
    assert "broke off" in error_of(answer)["message"]


def test_a_client_that_leaves_takes_the_providers_answer_with_it(pair: Pair) -> None:
    pair.say(*STREAM[:-1], kind=SSE, stalls=True)
    chat = {"model": "events", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    with pair.http.stream("POST", "/v1/chat/completions", json=chat) as answer:
        assert next(answer.iter_lines()).startswith("data: ")
    assert pair.upstream.left.wait(10)


def test_a_streaming_provider_may_answer_at_once(pair: Pair) -> None:
    pair.say(ANSWER, kind="application/json; charset=utf-8")
    assert pair.choice("both") == ("Good.", "stop")
    pair.say(*STREAM, kind=SSE)
    assert pair.choice("both") == ("Good.", "length")


def test_the_adapter_stops_where_the_payload_cannot_say_so(pair: Pair) -> None:
    pair.say(*STREAM, kind=SSE)
    assert pair.choice("events", stop="o") == ("G", "stop")
    assert pair.choice("events", max_tokens=1)[1] == "length"


def test_one_provider_takes_names_that_its_folder_does_not_say(
    serve: Serve, tmp_path: Path
) -> None:
    with canned() as upstream:
        upstream.answer(ANSWER, kind=JSON, status=200, length=None, stalls=False)
        write(tmp_path / "providers/one", metadata(upstream.server_address[1]))
        server = serve("--backend", FOLDER, **settings(tmp_path / "providers"))
        with server.http() as http:
            pair = Pair(upstream, http)
            assert pair.choice("m:latest") == ("Good.", "stop")
            assert [body["to"] for _, _, body in upstream.asked] == ["m:latest"]
            assert [one["id"] for one in http.get("/v1/models").json()["data"]] == ["m"]


def test_several_providers_take_what_one_of_them_claims(pair: Pair) -> None:
    assert error_of(pair.ask("nobodys"))["code"] == "model_not_found"
    assert pair.upstream.asked == []
