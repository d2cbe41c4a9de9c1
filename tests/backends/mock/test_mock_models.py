"""Which models the mock serves: the usual names, `MOCK_MODELS`, `MODEL_NAME`."""

import httpx
import pytest

from tests.adapter.chats import chat_body, refuse, said
from tests.adapter.watching import total
from tests.server import Serve

CHAT = "/v1/chat/completions"
USUAL = {
    *["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-5", "o3", "mock-1"],
    *["gpt-5.5", "gpt-5.6-luna", "gpt-6-sol", "gpt-6.1-sol"],
    *["text-embedding-3-small", "omni-moderation-latest"],
}


def listed(http: httpx.Client) -> list[str]:
    return [model["id"] for model in http.get("/v1/models").json()["data"]]


def test_the_usual_names_are_there(http: httpx.Client) -> None:
    assert set(listed(http)) >= USUAL


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-3.5-turbo", "o3", "gpt-5-nano", "mock-1"])
def test_a_listed_chat_model_answers_under_its_name(http: httpx.Client, model: str) -> None:
    answer = http.post(CHAT, json=chat_body(model=model)).json()
    assert answer["model"] == model


LOOKS_LIKE_OPENAI = [
    *["gpt-7", "gpt-4o-2024-11-20", "gpt-6-sol-2027-01-01", "chatgpt-4o-latest", "o9-pro", "o5"],
    *[
        "codex-mini-latest",
        "ft:gpt-4o-mini:me:name:id",
        "ft:gpt-4o-mini:acme::9p4lURX",
        "davinci-002",
        "babbage-002",
    ],
]
ODD = ["nope", "gpt", "gpt5", "chatgpt", "o", "oasis", "ofx", "claude-4", "my-gpt-4o", "embedding"]


@pytest.mark.parametrize("model", LOOKS_LIKE_OPENAI)
def test_what_looks_like_openais_is_served_unlisted(http: httpx.Client, model: str) -> None:
    assert model not in listed(http)
    assert http.get(f"/v1/models/{model}").json()["id"] == model
    answer = http.post(CHAT, json=chat_body("hi", model=model)).json()
    assert answer["model"] == model
    for path in ("/v1/embeddings", "/v1/moderations"):
        error = refuse(http, path, {"model": model, "input": "hi"})
        assert error["code"] == "unsupported_operation"


@pytest.mark.parametrize("model", ["gpt-4o\n", "gpt-4o/", "ft:a\0"])
def test_a_stray_end_of_a_name_is_not_overlooked(http: httpx.Client, model: str) -> None:
    assert refuse(http, CHAT, chat_body(model=model), 404)["code"] == "model_not_found"


def test_what_looks_like_an_embedder_or_a_moderator_is_one(http: httpx.Client) -> None:
    embedder, moderator = "text-embedding-4-huge", "omni-moderation-2024-09-26"
    assert http.get(f"/v1/models/{embedder}").json()["id"] == embedder
    assert http.post("/v1/embeddings", json={"model": embedder, "input": "a"}).status_code == 200
    judged = http.post("/v1/moderations", json={"model": moderator, "input": "a"})
    assert judged.json()["model"] == moderator
    for model in (embedder, moderator):
        assert refuse(http, CHAT, chat_body(model=model))["code"] == "unsupported_operation"


@pytest.mark.parametrize("model", ODD)
def test_an_odd_name_is_a_404_that_says_what_to_do(http: httpx.Client, model: str) -> None:
    for error in (
        refuse(http, CHAT, chat_body(model=model), 404),
        refuse(http, "/v1/embeddings", {"model": model, "input": "a"}, 404),
        http.get(f"/v1/models/{model}").json()["error"],
    ):
        assert error["code"] == "model_not_found"
        assert f"'{model}'" in error["message"]
        assert "/v1/models" in error["message"]
        assert "MOCK_MODELS" in error["message"]


def test_unlisted_names_are_one_label_of_the_metrics(serve: Serve) -> None:
    server = serve()
    with server.http() as http:
        for number in range(5):
            body = chat_body("hi", model=f"gpt-9{number}")
            assert http.post(CHAT, json=body).status_code == 200
        text = http.get("/metrics").text
    assert "gpt-9" not in text
    assert total(server, "adapter_requests_total", operation="chat", model="other") == 5


@pytest.mark.parametrize("setting", ["ALLOWED_MODELS", "MOCK_MODELS"])
def test_a_setting_that_names_models_is_strict(serve: Serve, setting: str) -> None:
    with serve(**{setting: "gpt-4o,mine"}).http() as http:
        assert said(http, "hi", model="gpt-4o") == ("hi", "stop")
        assert refuse(http, CHAT, chat_body(model="gpt-7"), 404)["code"] == "model_not_found"
        assert http.get("/v1/models/gpt-7").status_code == 404


def test_mock_models_replaces_the_list(serve: Serve) -> None:
    with serve(MOCK_MODELS="mine, org/other:7b").http() as http:
        assert listed(http) == ["mine", "org/other:7b"]
        assert said(http, "hi", model="org/other:7b") == ("hi", "stop")
        assert refuse(http, CHAT, chat_body(model="mock-1"), 404)["code"] == "model_not_found"


def test_mock_models_star_takes_any_name(serve: Serve) -> None:
    with serve(MOCK_MODELS="*").http() as http:
        assert set(listed(http)) >= USUAL
        for name in ("whatever", "org/x:7b", "日本", "a*b", "gpt-4o", "new\nline"):
            answer = http.post(CHAT, json=chat_body(model=name))
            assert answer.status_code == 200, answer.text
            assert answer.json()["model"] == name
        embedded = http.post("/v1/embeddings", json={"model": "my-embedder", "input": "a"})
        assert embedded.status_code == 200


def test_mock_models_may_have_globs_beside_names(serve: Serve) -> None:
    with serve(MOCK_MODELS="fixed,ft:*").http() as http:
        assert said(http, "hi", model="ft:gpt-4o:me") == ("hi", "stop")
        assert refuse(http, CHAT, chat_body(model="other"), 404)["code"] == "model_not_found"


@pytest.mark.parametrize("by_flag", [True, False])
def test_model_name_is_the_one_name_served(serve: Serve, by_flag: bool) -> None:
    flags, settings = ["--model-name", "mine"], {"MODEL_NAME": "mine"}
    server = serve(*flags) if by_flag else serve(**settings)
    with server.http() as http:
        assert listed(http) == ["mine"]
        answer = http.post(CHAT, json=chat_body("hi", model="mine")).json()
        assert answer["model"] == "mine"
        assert answer["choices"][0]["message"]["content"] == "hi"
        assert refuse(http, CHAT, chat_body(model="gpt-4o"), 404)["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MOCK_TTFT_MS", "-1"),
        ("MOCK_TTFT_MS", "soon"),
        ("MOCK_ITL_MS", "-5"),
        ("MOCK_CONTEXT_TOKENS", "0"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line_that_names_it(
    serve: Serve, name: str, value: str
) -> None:
    with pytest.raises(RuntimeError) as stopped:
        serve(**{name: value})
    message = str(stopped.value).removeprefix("the server ended: ").strip()
    assert name in message
    assert len(message.splitlines()) == 1
