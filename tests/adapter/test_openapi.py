"""`/openapi.json` is a truthful document of what is served."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.adapter.envelope import CHAT
from tests.server import Server

Document = dict[str, Any]
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
SERVED = {
    ("post", "/v1/chat/completions"),
    ("post", "/v1/completions"),
    ("post", "/v1/embeddings"),
    ("post", "/v1/moderations"),
    ("post", "/v1/tokenize"),
    ("post", "/v1/detokenize"),
    ("get", "/v1/models"),
    ("get", "/v1/models/{model}"),
    ("delete", "/v1/models/{model}"),
    *(("get", path) for path in ("/health", "/ping", "/livez", "/readyz", "/metrics")),
}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
ANSWERS: list[tuple[str, str, object]] = [
    ("post", "/v1/chat/completions", CHAT),
    ("post", "/v1/chat/completions", CHAT | {"logprobs": True, "top_logprobs": 2, "n": 2}),
    ("post", "/v1/chat/completions", CHAT | {"tools": [TOOL], "tool_choice": "required"}),
    ("post", "/v1/chat/completions", CHAT | {"model": "nope"}),
    ("post", "/v1/chat/completions", {}),
    ("post", "/v1/completions", {"model": "gpt-4o", "prompt": ["a", "b c"], "logprobs": 2}),
    ("post", "/v1/embeddings", {"model": "text-embedding-3-small", "input": ["a", "b"]}),
    (
        "post",
        "/v1/embeddings",
        {"model": "text-embedding-3-small", "input": "a", "encoding_format": "base64"},
    ),
    ("post", "/v1/moderations", {"input": ["a", "kill"]}),
    ("post", "/v1/tokenize", {"model": "gpt-4o", "prompt": "a b"}),
    ("post", "/v1/detokenize", {"model": "gpt-4o", "tokens": [72]}),
    ("post", "/v1/detokenize", {"model": "gpt-4o", "tokens": [-72]}),
    ("get", "/v1/models", None),
    ("get", "/v1/models/{model}", None),
    ("delete", "/v1/models/{model}", None),
    ("get", "/health", None),
    ("get", "/readyz", None),
]


@pytest.fixture(scope="module")
def document(mock: Server) -> Document:
    with mock.http() as http:
        found: Document = http.get("/openapi.json").json()
        return found


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method in METHODS & set(item):
            yield method, path, item[method]


def validator(document: Document, schema: Document) -> Any:
    return jsonschema_rs.validator_for(schema | {"components": document["components"]})


def refs(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from refs(child)


def answered(operation: Document, status: int) -> Document:
    """What the document says of an answer of that status."""
    told = operation["responses"]
    found: Document = told.get(str(status)) or told[f"{status // 100}XX"]
    return found


def test_it_is_openapi_3_1_and_whole(document: Document) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"]
    assert document["info"]["version"]
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for ref in refs(document):
        node: Any = document
        for part in ref.removeprefix("#/").split("/"):
            node = node[part]
    for _, path, operation in operations(document):
        assert operation["responses"]
        assert all(response["description"] for response in operation["responses"].values())
        declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert declared == {part.strip("{}") for part in path.split("/") if part[:1] == "{"}
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


def test_every_route_is_there_and_is_served(http: httpx.Client, document: Document) -> None:
    told = {(method, path) for method, path, _ in operations(document)}
    assert told >= SERVED
    for method, path in told:
        assert http.request(method, path.replace("{model}", "gpt-4o")).status_code not in {404, 405}


def test_every_operation_of_the_api_tells_its_errors_body_and_key(document: Document) -> None:
    for method, path, operation in operations(document):
        if path.startswith("/v1/"):
            for status in (400, 401, 404, 500):
                schema = answered(operation, status)["content"]["application/json"]["schema"]
                assert schema["$ref"].endswith("/ErrorResponse")
            assert ("requestBody" in operation) == (method == "post")
            assert {"bearer": []} in operation["security"]
    assert set(document["components"]["securitySchemes"]) == {"bearer"}


@pytest.mark.parametrize(("method", "path", "body"), ANSWERS)
def test_real_answers_are_as_told(
    http: httpx.Client, document: Document, method: str, path: str, body: object
) -> None:
    response = http.request(method, path.replace("{model}", "gpt-4o"), json=body)
    operation = document["paths"][path][method]
    schema = answered(operation, response.status_code)["content"]["application/json"]["schema"]
    validator(document, schema).validate(response.json())
    if response.status_code == 200 and "requestBody" in operation:
        wanted = operation["requestBody"]["content"]["application/json"]["schema"]
        validator(document, wanted).validate(body)
    if path.startswith("/v1/"):
        assert not validator(document, schema).is_valid({"nothing": 1})


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_real_chunks_are_as_told(http: httpx.Client, document: Document, path: str) -> None:
    body = CHAT | {"prompt": "a b", "stream": True, "stream_options": {"include_usage": True}}
    content = document["paths"][path]["post"]["responses"]["200"]["content"]
    check = validator(document, content["text/event-stream"]["schema"])
    frames = http.post(path, json=body).text.split("\n\n")[:-2]
    assert len(frames) >= 3
    for frame in frames:
        check.validate(httpx.Response(200, text=frame.removeprefix("data: ")).json())


def test_content_types_are_as_told(http: httpx.Client, document: Document) -> None:
    for method, path, operation in operations(document):
        if method == "get":
            response = http.get(path.replace("{model}", "gpt-4o"))
            told = answered(operation, response.status_code)["content"]
            assert response.headers["content-type"].split(";")[0] in told, path


def test_null_is_a_default_only_where_it_is_taken(document: Document) -> None:
    def defaults(node: object) -> Iterator[Document]:
        if isinstance(node, dict):
            if "default" in node:
                yield node
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from defaults(child)

    found = [node for node in defaults(document) if not isinstance(node["default"], dict)]
    assert len([node for node in found if node["default"] is None]) > 10
    for node in found:
        assert validator(document, node).is_valid(node["default"]), node


def test_chat_comes_first_and_titles_are_words(document: Document) -> None:
    told = list(operations(document))
    assert told[0][:2] == ("post", "/v1/chat/completions")
    for _, path, operation in told:
        words = [operation["summary"], *operation["tags"], operation["description"]]
        for text in words:
            assert text[0].isupper(), path
            assert not re.search(r"_|\blivez|readyz|exposition|raises", text, re.IGNORECASE), path


def test_what_swagger_offers_to_try_succeeds(http: httpx.Client, document: Document) -> None:
    for method, path, operation in operations(document):
        body = None
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            body = content["example"]
            validator(document, content["schema"]).validate(body)
        for parameter in operation.get("parameters", []):
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])  # noqa: PLW2901
        status = 403 if method == "delete" else 200
        assert http.request(method, path, json=body).status_code == status, path


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_pages_for_people_are_html(http: httpx.Client, path: str) -> None:
    response = http.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "/openapi.json" in response.text
