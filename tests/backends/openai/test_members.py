"""What the gateway decides by is what the upstream reads: nothing twice, nothing in other case."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.adapter.envelope import error_of
from tests.backends.openai.bodies import ANSWER, CHAT
from tests.backends.openai.conftest import UPSTREAM_KEY
from tests.backends.openai.wicked import Wicked, whole
from tests.server import Server, start

JSON = {"content-type": "application/json"}
KEY = "sk-cheap-alone"
PATHS = ["chat/completions", "completions", "embeddings", "moderations", "responses", "batches"]
CONFIG = """
backends:
  up: {{use: openai, base_url: "http://127.0.0.1:{port}/v1", api_key: {key}, models: "*"}}
models:
  cheap: {{backend: up}}
  dear: {{backend: up}}
"""


@pytest.fixture(scope="module", params=["direct", "routed"])
def gate(
    wicked: Wicked, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Server]:
    """An adapter whose key is for `cheap` alone."""
    folder = tmp_path_factory.mktemp("gate")
    (folder / "keys.toml").write_text(f'[[key]]\nname="k"\nsecret="{KEY}"\nmodels=["cheap"]\n')
    common = {"ENABLE_AUTH": "true", "API_KEYS_FILE": "keys.toml", "PASSTHROUGH_ALL": "true"}
    if request.param == "routed":
        (folder / "a.yaml").write_text(CONFIG.format(port=wicked.port, key=UPSTREAM_KEY))
        server = start(folder, "--config", "a.yaml", **common)
    else:
        server = start(
            folder,
            "--backend",
            "openai",
            OPENAI_BASE_URL=f"http://127.0.0.1:{wicked.port}/v1",
            OPENAI_API_KEY=UPSTREAM_KEY,
            OPENAI_MODELS="cheap,dear",
            **common,
        )
    yield server
    server.stop()


@pytest.fixture
def http(gate: Server, wicked: Wicked) -> Iterator[httpx.Client]:
    wicked.answer([whole(ANSWER)])
    with gate.http(headers={"authorization": f"Bearer {KEY}"}) as client:
        yield client


DOUBLED = [
    (b'{"model":"cheap","model":"dear","messages":[]}', "model"),
    (b'{"model":"dear","model":"cheap","messages":[]}', "model"),
    (b'{"model":"cheap","messages":[],"mod\\u0065l":"dear"}', "model"),
    (b'{"model":"cheap","m\\u006Fdel":"cheap"}', "model"),
    (b'{"model":"cheap","Model":"dear"}', "Model"),
    (b'{"MODEL":"dear","model":"cheap"}', "MODEL"),
    (b'{"model":"cheap","\\u004dodel":"dear"}', "Model"),
    (b'{"model":"cheap","stream":false,"stream":true}', "stream"),
    (b'{"model":"cheap","Stream":true}', "Stream"),
    ('{"model":"cheap","ſtream":true}'.encode(), "ſtream"),
    (b'{"model":"cheap","\\u017ftream":true}', "ſtream"),
    (b'{"model":"cheap","user":"a","User":"b"}', "User"),
    (b'{"model":"cheap","Provider":"other"}', "Provider"),
    (b'{"model":"cheap","provider":{"a":1},"provider":{"b":1}}', "provider"),
    (b'{"model":"cheap","n":1,"N":9}', "N"),
    (b'{"model":"cheap","Stream_Options":{}}', "Stream_Options"),
    (b'{"model":"cheap","messages":[],"Messages":[]}', "Messages"),
    (b'{"model":"cheap","x_mine":1,"x_mine":2}', "x_mine"),
    (b'{"model":"cheap","a":' + b"[" * 300 + b"]" * 300 + b',"model":"dear"}', "model"),
]


@pytest.mark.parametrize(("body", "named"), DOUBLED)
def test_a_member_twice_or_in_other_case_is_refused_by_name(
    wicked: Wicked, http: httpx.Client, body: bytes, named: str
) -> None:
    for path in PATHS:
        answer = http.post(f"/v1/{path}", content=body, headers=JSON)
        assert answer.status_code == 400, answer.text
        error = error_of(answer)
        assert error["param"] == named
        assert f"'{named}'" in error["message"]
    assert not wicked.asked


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"model":"cheap"}',
        b'{"model":"cheap","top_p":NaN}',
        b'{"model":"cheap","top_p":-Infinity}',
        b'{"model":"cheap","user":"\\ud800"}',
        b'{"model":"cheap","user":"\xff"}',
        b'{"model":"cheap"} {"model":"dear"}',
        b'{"model":"cheap",}',
        b'{"model":"cheap" /* , */ }',
        b"{'model':'cheap'}",
        '{"model":"cheap"}'.encode("utf-16"),
    ],
)
def test_what_parsers_read_in_different_ways_is_refused(
    wicked: Wicked, http: httpx.Client, body: bytes
) -> None:
    for path in PATHS:
        answer = http.post(f"/v1/{path}", content=body, headers=JSON)
        assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_json")
    assert not wicked.asked


@pytest.mark.parametrize(
    "kinds",
    [
        ["application/json", "multipart/form-data; boundary=b"],
        ["multipart/form-data; boundary=b", "application/json"],
        ["application/json; charset=utf-7"],
        ["application/json; charset=utf-8; charset=utf-7"],
        ["application/x-www-form-urlencoded"],
        ["text/plain"],
    ],
)
def test_a_body_has_one_type(wicked: Wicked, http: httpx.Client, kinds: list[str]) -> None:
    body = b"model=cheap&model=dear" if "urlencoded" in kinds[0] else b'{"model":"cheap"}'
    for path in PATHS:
        headers = [("content-type", kind) for kind in kinds]
        answer = http.post(f"/v1/{path}", content=body, headers=headers)
        assert answer.status_code == 400
        error_of(answer)
    assert not wicked.asked


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"cheap","messages":[{"role":"user","content":"a","content":"b"}]}',
        b'{"model":"cheap","metadata":{"Model":"a","model":"b"},"X_mine":1,"x_mine":2}',
        b'{"model":"cheap","messages":[{"content":"\\"model\\":\\"dear\\", \\u0041"}],"n":1e999}',
        b'{"mod\\u0065l":"cheap","seed":123456789012345678901234567890}',
    ],
)
def test_what_stands_deeper_is_the_upstreams_to_read(
    wicked: Wicked, http: httpx.Client, body: bytes
) -> None:
    answer = http.post("/v1/chat/completions", content=body, headers=JSON)
    assert answer.status_code == 200, answer.text
    assert wicked.asked[0].body == body


def test_a_provider_is_taken_out_and_large_numbers_stay(
    gate: Server, wicked: Wicked, http: httpx.Client
) -> None:
    body = b'{"model":"cheap","provider":"up","seed":123456789012345678901234567890}'
    http.post("/v1/chat/completions", content=body, headers=JSON)
    said = json.loads(wicked.asked[0].body)
    assert said["seed"] == 123456789012345678901234567890
    assert http.post("/v1/chat/completions", json=CHAT | {"model": "dear"}).status_code == 404


def part(disposition: str, value: str = "cheap", more: str = "") -> str:
    return f"--b\r\nContent-Disposition: {disposition}\r\n{more}\r\n{value}\r\n"


GOOD = part('form-data; name="model"')
FILE = part('form-data; name="file"; filename="a.wav"', "RIFF")
END = "--b--\r\n"
FORM = {"content-type": "multipart/form-data; boundary=b"}
TRANSCRIPTIONS = "/v1/audio/transcriptions"


@pytest.mark.parametrize(
    "form",
    [
        GOOD + part('form-data; name="model"', "dear") + END,
        GOOD + part("form-data; name=model", "dear") + END,
        GOOD + part('form-data; name="Model"', "dear") + END,
        GOOD + part('form-data; name="model[]"', "dear") + END,
        GOOD + part('form-data; name="model[0]"', "dear") + END,
        GOOD + part('form-data; name=" model"', "dear") + END,
        GOOD + part("form-data; name='model'", "dear") + END,
        GOOD + part('form-data; name="mod\\el"', "dear") + END,
        GOOD + part('form-data; name="mod%65l"', "dear") + END,
        GOOD + part("form-data; name*=utf-8''model", "dear") + END,
        GOOD + part("form-data; name=\"x\"; name*=utf-8''model", "dear") + END,
        GOOD + part('form-data; name="x"; name="model"', "dear") + END,
        GOOD + part('form-data; name="x', "dear") + END,
        GOOD
        + part('form-data; name="x"', "dear", 'Content-Disposition: form-data; name="model"\r\n')
        + END,
        GOOD + "--b\r\ncontent-type: text/plain\r\n\r\ndear\r\n" + END,
        GOOD + FILE + END + part('form-data; name="model"', "dear") + END,
        GOOD
        + part('form-data; name="file"', 'x\n--b\nContent-Disposition: form-data; name="model"')
        + END,
        GOOD + part('form-data; name="stream"', "1") + part('form-data; name="stream"', "2") + END,
        GOOD + part('form-data; name="USER"', "a") + END,
    ],
)
def test_a_form_that_could_be_read_in_two_ways_is_refused(
    wicked: Wicked, http: httpx.Client, form: str
) -> None:
    answer = http.post(TRANSCRIPTIONS, content=form.encode(), headers=FORM)
    assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_form"), answer.text
    assert not wicked.asked


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=b; boundary=c",
        "multipart/form-data; boundary=c; boundary=b",
        "multipart/form-data; boundary*=utf-8''b; boundary",
        "multipart/form-data",
    ],
)
def test_a_form_has_one_boundary(wicked: Wicked, http: httpx.Client, kind: str) -> None:
    form = (GOOD + END).encode()
    answer = http.post(TRANSCRIPTIONS, content=form, headers={"content-type": kind})
    assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_form")
    assert not wicked.asked


@pytest.mark.parametrize(
    "form",
    [
        GOOD + FILE + END,
        FILE + part("form-data; name=model") + END,
        GOOD + FILE + FILE + part('form-data; name="include[]"') + END,
        GOOD
        + part('form-data; name="file"; filename="ü \\" ; name=x.wav"', "a --b in a line")
        + END,
        GOOD + part('form-data; name="file"; filename="a"; filename*=utf-8\'\'a%20b') + END,
        "\r\n" + GOOD + END,
    ],
)
def test_forms_that_read_in_one_way_pass(wicked: Wicked, http: httpx.Client, form: str) -> None:
    answer = http.post(TRANSCRIPTIONS, content=form.encode(), headers=FORM)
    assert answer.status_code == 200, answer.text
    assert wicked.asked[0].body == form.encode()


def test_a_form_for_another_model_is_refused(http: httpx.Client) -> None:
    form: dict[str, Any] = {"data": {"model": "dear"}, "files": {"file": b"RIFF"}}
    assert http.post(TRANSCRIPTIONS, **form).status_code == 404
