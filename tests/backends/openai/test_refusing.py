"""Upstreams that refuse, redirect and answer nonsense; and when they are asked again."""

import json
import time
from email.utils import formatdate

import httpx
import openai
import pytest

from tests.adapter.envelope import error_of
from tests.backends.openai.bodies import ANSWER, CHAT, ERROR, EVENTS, PATH, STREAMED
from tests.backends.openai.conftest import UPSTREAM_KEY
from tests.backends.openai.wicked import CLOSE, END, RESET, Wicked, chunk, stream, whole
from tests.server import Serve, Server, free_port

SOON = ("retry-after-ms", "10")
HTML = ("content-type", "text/html; charset=utf-8")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 520, 529])
@pytest.mark.parametrize("body", [CHAT, STREAMED])
def test_what_may_pass_is_asked_again(
    wicked: Wicked, http: httpx.Client, status: int, body: dict[str, object]
) -> None:
    good = [stream(), chunk(EVENTS), END] if "stream" in body else [whole(ANSWER)]
    busy = [whole(ERROR, SOON, status=status)]
    wicked.answer(busy, busy, good)
    answer = http.post(PATH, json=body)
    assert answer.status_code == 200
    assert answer.content in {ANSWER, EVENTS}
    assert len(wicked.asked) == 3
    assert len({asked.body for asked in wicked.asked}) == 1


@pytest.mark.parametrize("status", [400, 404, 413, 415, 422, 501, 505, 508])
def test_what_will_not_pass_is_asked_once(wicked: Wicked, http: httpx.Client, status: int) -> None:
    wicked.answer([whole(ERROR, SOON, status=status)])
    answer = http.post(PATH, json=CHAT)
    assert (answer.status_code, answer.content) == (status, ERROR)
    assert len(wicked.asked) == 1


def wait(wicked: Wicked, http: httpx.Client, *headers: tuple[str, str]) -> tuple[int, float]:
    """How often the upstream was asked, and how long that took."""
    wicked.answer([whole(ERROR, *headers, status=429)], [whole(ANSWER)])
    since_s = time.monotonic()
    http.post(PATH, json=CHAT)
    return len(wicked.asked), time.monotonic() - since_s


@pytest.mark.parametrize(
    ("headers", "least_s", "most_s"),
    [
        ([("retry-after", "1")], 1.0, 1.5),
        ([("retry-after", "0.2")], 0.2, 0.5),
        ([("retry-after-ms", "200")], 0.2, 0.5),
        ([("retry-after-ms", "200"), ("retry-after", "3")], 0.2, 0.5),
        ([("retry-after", "soon")], 0.4, 1.5),
        ([("retry-after", "-5")], 0.4, 1.5),
        ([("retry-after", "nan")], 0.4, 1.5),
        ([("retry-after", "Mon, 01 Jan 2001 00:00:00 GMT")], 0.4, 1.5),
        ([("retry-after", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT")], 0.4, 1.5),
        ([("retry-after-ms", "x"), ("retry-after", "0.2")], 0.2, 0.5),
    ],
)
def test_the_upstream_says_when(
    wicked: Wicked,
    http: httpx.Client,
    headers: list[tuple[str, str]],
    least_s: float,
    most_s: float,
) -> None:
    asked, took_s = wait(wicked, http, *headers)
    assert asked == 2
    assert least_s <= took_s < most_s


def test_the_upstream_says_when_by_a_date(wicked: Wicked, http: httpx.Client) -> None:
    asked, took_s = wait(wicked, http, ("retry-after", formatdate(time.time() + 2, usegmt=True)))
    assert asked == 2
    assert 0.5 < took_s < 2.5


@pytest.mark.parametrize(
    "header",
    [
        ("retry-after", "3600"),
        ("retry-after", "inf"),
        ("retry-after", "6"),  # longer than it is waited for
        ("retry-after", formatdate(4e9, usegmt=True)),
        ("x-should-retry", "false"),
    ],
)
def test_a_wait_too_long_is_the_clients(
    wicked: Wicked, http: httpx.Client, header: tuple[str, str]
) -> None:
    wicked.answer([whole(ERROR, header, status=429)])
    answer = http.post(PATH, json=CHAT)
    assert (answer.status_code, answer.content) == (429, ERROR)
    assert answer.headers[header[0]] == header[1]
    assert len(wicked.asked) == 1


def test_the_upstream_may_ask_to_be_asked_again(wicked: Wicked, http: httpx.Client) -> None:
    again = ("x-should-retry", "true")
    wicked.answer([whole(ERROR, again, SOON, status=400)], [whole(ANSWER)])
    assert http.post(PATH, json=CHAT).content == ANSWER
    wicked.answer([whole(ANSWER, again)])
    assert http.post(PATH, json=CHAT).content == ANSWER
    assert len(wicked.asked) == 1


def test_three_tries_and_the_last_answer_comes_back(wicked: Wicked, through: Server) -> None:
    wicked.answer([whole(ERROR, SOON, ("x-ratelimit-limit-requests", "7"), status=429)])
    with pytest.raises(openai.RateLimitError) as refused:
        through.client().chat.completions.create(**CHAT)
    assert refused.value.code == "busy"
    assert refused.value.response.headers["retry-after-ms"] == "10"
    assert refused.value.response.headers["x-ratelimit-limit-requests"] == "7"
    assert len(wicked.asked) == 3


def test_a_break_after_a_refusal_is_not_asked_again(wicked: Wicked, http: httpx.Client) -> None:
    for end in (RESET, CLOSE):
        wicked.answer([whole(ERROR, SOON, status=503)], [end], [whole(ANSWER)])
        assert http.post(PATH, json=CHAT).status_code == 503
        assert len(wicked.asked) == 2


def test_a_refusal_in_pieces_is_one(wicked: Wicked, http: httpx.Client) -> None:
    answer = whole(ERROR, status=400)
    wicked.answer([answer[:-20], 0.2, answer[-20:]])
    assert http.post(PATH, json=CHAT).content == ERROR


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_the_operators_fault(
    wicked: Wicked, http: httpx.Client, status: int
) -> None:
    told = json.dumps({"error": {"message": f"Incorrect API key: {UPSTREAM_KEY}"}}).encode()
    wicked.answer([whole(told, status=status)])
    answer = http.post(PATH, json=CHAT)
    assert answer.status_code == 502
    error = error_of(answer)
    assert error["code"] == "upstream_auth"
    assert "credentials" in error["message"]
    assert UPSTREAM_KEY not in answer.text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (f"Key {UPSTREAM_KEY} is out of credit", "out of credit"),
        ("Limit reached in organization org-AbCdEfGh1234 on tokens", "Limit reached"),
        ("No such file: /srv/models/llama/weights.bin", "No such file"),
    ],
)
def test_the_operators_secrets_stay(
    wicked: Wicked, http: httpx.Client, said: str, shown: str
) -> None:
    wicked.answer(
        [whole(json.dumps({"error": {"message": said, "code": "c"}}).encode(), status=400)]
    )
    answer = http.post(PATH, json=CHAT)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert shown in error["message"]
    assert error["code"] == "c"
    for secret in (UPSTREAM_KEY, "org-AbCdEfGh1234", "/srv/models"):
        assert secret not in answer.text


@pytest.mark.parametrize(
    "body", [b"<html>Bad Gateway</html>", b"", b'{"detail":"no"}', b'{"error":"plain"}', b"[1]"]
)
def test_a_refusal_that_is_no_envelope_becomes_one(
    wicked: Wicked, http: httpx.Client, body: bytes
) -> None:
    wicked.answer([whole(body, HTML, status=404)])
    answer = http.post(PATH, json=CHAT)
    assert answer.status_code == 404
    error_of(answer)
    assert "html" not in answer.text


def test_html_in_place_of_json_is_a_502(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([whole(b"<html>Log in</html>", HTML)])
    for body in (CHAT, STREAMED):
        answer = http.post(PATH, json=body)
        assert answer.status_code == 502
        assert "text/html" in error_of(answer)["message"]


def test_json_in_place_of_a_stream_is_a_502(wicked: Wicked, http: httpx.Client) -> None:
    wicked.answer([whole(ANSWER)])
    answer = http.post(PATH, json=STREAMED)
    assert answer.status_code == 502
    error_of(answer)


@pytest.mark.parametrize(("code", "status"), [('"x"', 502), ("429", 429), ("200", 502)])
@pytest.mark.parametrize("body", [CHAT, STREAMED])
def test_an_error_that_calls_itself_a_success_is_none(
    wicked: Wicked, http: httpx.Client, code: str, status: int, body: dict[str, object]
) -> None:
    told = b'{ "error": {"message": "It broke", "code": %s} }' % code.encode()
    wicked.answer([whole(told)])
    answer = http.post(PATH, json=body)
    assert (answer.status_code, answer.content) == (status, told)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(wicked: Wicked, http: httpx.Client, status: int) -> None:
    elsewhere = ("location", f"http://localhost:{wicked.port}/v1/elsewhere")
    wicked.answer([whole(b"", elsewhere, status=status)])
    answer = http.post(PATH, json=CHAT)
    assert answer.status_code == 502
    assert "redirect" in error_of(answer)["message"]
    assert "location" not in answer.headers
    assert len(wicked.asked) == 1


@pytest.mark.parametrize("models", ["*", ""])
@pytest.mark.parametrize("length", [1, 2])
def test_a_loop_is_seen(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, models: str, length: int
) -> None:
    ports = [free_port() for _ in range(length)]
    for port, target in zip(ports, [*ports[1:], ports[0]], strict=True):
        monkeypatch.setattr("tests.server.free_port", lambda port=port: port)
        serve(
            "--backend",
            "openai",
            OPENAI_BASE_URL=f"http://127.0.0.1:{target}/v1",
            OPENAI_API_KEY="k",
            OPENAI_MODELS=models,
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{ports[0]}", timeout=20) as http:
        since_s = time.monotonic()
        for body in (CHAT, STREAMED):
            answer = http.post(PATH, json=body)
            assert answer.status_code == 508, answer.text
            assert error_of(answer)["code"] == "loop"
        assert time.monotonic() - since_s < 5


def test_a_chain_is_no_loop(serve: Serve, mock: Server) -> None:
    url, servers = mock.url, []
    for _ in range(2):
        servers.append(
            serve("--backend", "openai", OPENAI_BASE_URL=f"{url}/v1", OPENAI_API_KEY="k")
        )
        url = servers[-1].url
    said = servers[-1].client().chat.completions.create(**CHAT | {"model": "gpt-4o"})
    assert said.choices[0].message.content == "Hi"
    assert "gpt-4o" in [model.id for model in servers[-1].client().models.list()]


@pytest.mark.parametrize(("status", "strict_status"), [(401, 502), (404, 200), (500, 500)])
@pytest.mark.parametrize("strict", [False, True])
def test_an_upstream_that_lists_no_models(
    serve: Serve, wicked: Wicked, status: int, strict_status: int, strict: bool
) -> None:
    server = serve(
        "--backend",
        "openai",
        OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
        OPENAI_API_KEY=UPSTREAM_KEY,
        OPENAI_ATTEMPTS="1",
        STRICT_MODELS=str(strict),
    )
    wicked.answer([whole(ERROR, status=status)], [whole(ANSWER)])
    with server.http() as http:
        assert http.post(PATH, json=CHAT).status_code == (strict_status if strict else 200)
        assert wicked.asked[0].target == "/v1/models"
        assert wicked.asked[0].header("authorization") == f"Bearer {UPSTREAM_KEY}"
