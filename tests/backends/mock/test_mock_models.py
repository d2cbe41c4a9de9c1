"""Which models the mock serves: the usual names, `MOCK_MODELS`, `MODEL_NAME`."""

import httpx
import pytest

from tests.adapter.chats import chat_body, refuse, said
from tests.server import Serve

CHAT = "/v1/chat/completions"
USUAL = {
    *["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-5", "o3", "mock-1"],
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
