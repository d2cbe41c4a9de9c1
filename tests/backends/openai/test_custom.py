"""A client of one's own: its methods are called, and what they answer is rendered."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapter.envelope import error_of
from tests.adapter.watching import soon
from tests.backends.openai.bodies import PATH, last_error
from tests.server import ROOT, Server, start


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("duck")


@pytest.fixture(scope="module")
def duck(folder: Path) -> Iterator[Server]:
    path = f"{Path(__file__).parent}:{ROOT}"
    server = start(folder, "--backend", "ducks:make", PYTHONPATH=path)
    yield server
    server.stop()


@pytest.fixture
def http(duck: Server) -> Iterator[httpx.Client]:
    with duck.http() as client:
        yield client


def body(text: str = "Hi", **more: Any) -> dict[str, Any]:
    return {"model": "duck", "messages": [{"role": "user", "content": text}], **more}


def test_a_whole_answer_is_rendered_with_what_is_unknown(http: httpx.Client) -> None:
    answer = http.post(PATH, json=body(seed=1, x_mine=2)).json()
    assert answer["x_new"] == {"a": 1.5}
    assert answer["choices"][0]["message"]["content"] == ["extra_headers", "seed", "x_mine"]


def test_a_stream_is_rendered(duck: Server) -> None:
    chunks = list(duck.client().chat.completions.create(**body(stream=True)))
    assert "".join(chunk.choices[0].delta.content for chunk in chunks) == "quack quack"
    assert chunks[0].model_extra == {"x_new": 1}


def test_a_stream_that_stops_early_ends_with_an_error(http: httpx.Client) -> None:
    for text in ("break", "half"):
        answer = http.post(PATH, json=body(text, stream=True))
        assert last_error(answer.content)["code"] == "backend_unavailable"


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_inside_a_success_is_one(http: httpx.Client, *, stream: bool) -> None:
    answer = http.post(PATH, json=body("failing", stream=stream))
    assert (answer.status_code, error_of(answer)["message"]) == (429, "It broke")
    assert http.post(PATH, json=body("empty", stream=stream)).status_code in {502, 503}


def test_the_callers_arguments_are_not_the_clients_to_set(http: httpx.Client) -> None:
    planted: dict[str, Any] = {"extra_headers": {"x": "y"}, "timeout": 1}
    answer = http.post(PATH, json=body(**planted)).json()
    assert answer["choices"][0]["message"]["content"] == ["extra_body", "extra_headers"]


@pytest.mark.parametrize(("text", "status"), [("busy", 429), ("away", 503), ("slow", 504)])
def test_its_errors_are_ours(http: httpx.Client, text: str, status: int) -> None:
    answer = http.post(PATH, json=body(text))
    assert answer.status_code == status
    error = error_of(answer)
    if status == 429:
        assert (error["message"], error["code"]) == ("Too busy.", "busy")
        assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("envelope", "No."),
        ("detail", "n: No."),
        ("array", "No."),
        ("text", "No."),
        ("none", "The SDK says."),
    ],
)
def test_a_refusal_of_any_form_keeps_its_words(http: httpx.Client, text: str, said: str) -> None:
    answer = http.post(PATH, json=body(text))
    assert answer.status_code == 422
    assert error_of(answer)["message"] == said


def test_a_method_is_asked_for_what_it_takes_alone(http: httpx.Client) -> None:
    asked = {"model": "duck", "input": "abc"}
    assert http.post("/v1/embeddings", json=asked).json()["data"][0]["embedding"] == [3]
    error = error_of(http.post("/v1/embeddings", json=asked | {"dimensions": 3}))
    assert (error["param"], error["code"]) == ("dimensions", "unknown_parameter")
    error = error_of(http.post("/v1/embeddings", json={"model": "duck"}))
    assert (error["param"], error["code"]) == ("input", "missing_required_parameter")


def test_what_it_has_not_is_a_404(http: httpx.Client) -> None:
    for path in ("/v1/moderations", "/v1/responses"):
        answer = http.post(path, json={"model": "duck", "input": "Hi"})
        assert answer.status_code == 404
        assert error_of(answer)["code"] == "unknown_url"
    assert http.get("/v1/responses/resp_1").status_code == 404


def test_a_client_that_leaves_closes_the_stream(http: httpx.Client, folder: Path) -> None:
    (folder / "quacked").unlink(missing_ok=True)
    with pytest.raises(httpx.ReadTimeout):
        http.post(PATH, json=body("linger", stream=True), timeout=0.5)
    assert soon((folder / "quacked").exists)
