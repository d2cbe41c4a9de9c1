"""Folders that are wrong: what the check says, and that no server starts on them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.backends.folder.folders import EVENTS, PAYLOAD, WHOLE, check, metadata, settings, write
from tests.conftest import Serve

FOLDER = "backends.folder:FolderBackend"


def refuse(folder: Path, *said: str, **environment: str) -> None:
    """The check must fail with one line that says so."""
    checked = check(folder, **environment)
    assert checked.exit_code == 2, checked.stdout
    assert checked.stderr.count("\n") == 1
    assert [one for one in said if one not in checked.stderr] == [], checked.stderr


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ('{"host":\n "a",,}', "one/metadata.json:2: no JSON"),
        ("[]", "one/metadata.json:1: no JSON object"),
        ('{"host": "a", "host": "b"}', "'host' stands there twice"),
        ("{\n// why\n}", "one/metadata.json:2: no JSON"),
        (metadata(host=None), "one/metadata.json:1: host: field required"),
        (metadata(hots="a"), "one/metadata.json:15: hots: extra inputs"),
        (metadata(host="a/../b"), "one/metadata.json:2: host: "),
        (metadata(host="127.0.0.1:80@evil"), "one/metadata.json:2: host: "),
        (metadata(scheme="ftp"), "one/metadata.json:3: scheme: "),
        (metadata(port="80"), "one/metadata.json:4: port: "),
        (metadata(models=[]), "one/metadata.json:5: models: "),
        (metadata(models=["m?"]), "one/metadata.json:6: models.0: "),
        (metadata(answer={}), "answer: needs json or events"),
        (metadata(answer={"json": {"finish": "a"}}), "answer.json.text: field required"),
        (metadata(answer={"json": {"text": "a..b"}}), "answer.json.text: 'a..b' is no JMESPath"),
        (metadata(answer={"json": {"text": ""}}), "answer.json.text: '' is no JMESPath"),
        (metadata(answer={"json": {"text": "shout(a)"}}), "no function shout()"),
        (metadata(answer={"events": {"delta": "d"}}), "answer.events: needs finish or end"),
        (metadata(answer=WHOLE | {"finish_reasons": {"a": "b"}}), "answer.finish_reasons.a: "),
    ],
)
def test_the_metadata(tmp_path: Path, about: Any, said: str) -> None:
    refuse(write(tmp_path / "one", about), said)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", "one/header.txt:1: not of the form 'POST /path HTTP/1.1'"),
        ("GET /ask HTTP/1.1\n", "one/header.txt:1: not of the form"),
        ("POST ask HTTP/1.1\n", "one/header.txt:1: not of the form"),
        ("POST /a b HTTP/1.1\n", "one/header.txt:1: not of the form"),
        ("POST /a#b HTTP/1.1\n", "one/header.txt:1: not of the form"),
        ("POST /a HTTP/1.1\nX-A\n", "one/header.txt:2: not of the form 'Name: value'"),
        ("POST /a HTTP/1.1\nX A: 1\n", "one/header.txt:2: not of the form 'Name: value'"),
        ("POST /a HTTP/1.1\nX-A: 1\n more\n", "one/header.txt:3: not of the form"),
        ("POST /a HTTP/1.1\n\n{}\n", "one/header.txt:2: not of the form"),
        ("POST /a HTTP/1.1\nX-A: 1\nx-a: 2\n", "one/header.txt:3: x-a stands there twice"),
        ("POST /a HTTP/1.1\nHost: b\n", "one/header.txt:2: Host is not for a provider to set"),
        ("POST /a HTTP/1.1\nContent-Length: 3\n", "Content-Length is not for a provider to set"),
        ("POST /a HTTP/1.1\nX-A: b\rX-B: c\n", "one/header.txt:2: has control characters"),
        ("POST /a HTTP/1.1\nX-A: b\0\n", "one/header.txt:2: has control characters"),
        ("POST /a HTTP/1.1\nX-A: b\u2028c\n", "one/header.txt:2: has control characters"),
        ("POST /a HTTP/1.1\nX-A: ${NOT_SET}\n", "2: the environment variable NOT_SET is not set"),
        ("POST /${NOT_SET} HTTP/1.1\n", "1: the environment variable NOT_SET is not set"),
        ("POST /a HTTP/1.1\nX-A: ${not-a-name}\n", "one/header.txt:2: a '${' that names no"),
    ],
)
def test_the_header(tmp_path: Path, header: str, said: str) -> None:
    refuse(write(tmp_path / "one", metadata(), header), said)


@pytest.mark.parametrize(
    "value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\tb", "a\x7f", "a\x85b", "ä"]
)
def test_no_header_comes_out_of_a_variable(tmp_path: Path, value: str) -> None:
    folder = write(tmp_path / "one", metadata())
    refuse(folder, "one/header.txt:2: the value of TEST_KEY has control", TEST_KEY=value)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ('{"a": {{messages}}}', "one/payload.json:1: no JSON"),
        ({"a": "{{messages}}", "b": {"c": "{{mesages}}"}}, "4: b.c: no placeholder {{mesages}}"),
        ({"a": "{{messages}}", "b": "I am {{x}}"}, "one/payload.json:3: b: no placeholder {{x}}"),
        ({"a": "{{messages}}", "b": "{{model"}, "one/payload.json:3: b: a placeholder without"),
        ({"a": "All: {{messages}}"}, "a: {{messages}} is a list, and no part of a text"),
        ({"a": "{{messages | []..}}"}, "a: '[]..' is no JMESPath"),
        ({"{{model}}": "{{messages}}"}, "a member's name cannot be a placeholder"),
        ({"a": "{{model}}"}, "has neither {{messages}} nor {{prompt}}"),
    ],
)
def test_the_payload(tmp_path: Path, payload: Any, said: str) -> None:
    refuse(write(tmp_path / "one", metadata(), payload=payload), said)


def test_a_limit_needs_a_finish_that_tells_of_it(tmp_path: Path) -> None:
    about = metadata(answer={"json": {"text": "a"}})
    payload = PAYLOAD | {"most": "{{max_tokens}}"}
    refuse(write(tmp_path / "one", about, payload=payload), "answer.json: needs finish")


@pytest.mark.parametrize("name", ["metadata.json", "header.txt", "payload.json"])
def test_a_file_is_missing_or_leads_out(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "one", metadata())
    outside = tmp_path / name
    (folder / name).rename(outside)
    refuse(folder, f"one/{name}: there is no such file")
    (folder / name).symlink_to(f"../{name}")
    refuse(folder, f"one/{name}: a link that leads out of the folder")
    (folder / name).unlink()
    (folder / "real").mkdir()
    outside.rename(folder / "real" / name)
    (folder / name).symlink_to(f"real/{name}")
    assert check(folder).exit_code == 0


def test_a_key_that_is_written_down_is_not_shown(tmp_path: Path) -> None:
    header = "POST /a?api_key=sk-1&b=2 HTTP/1.1\nX-Api-Key: sk-2\nX-B: ${TEST_KEY}\n"
    payload = PAYLOAD | {"auth": {"api_key": "sk-3", "max_tokens": 5}}
    shown = check(write(tmp_path / "one", metadata(), header, payload)).stdout
    assert "sk-" not in shown
    assert "POST /a?api_key=[redacted]&b=2 HTTP/1.1" in shown
    assert shown.count("[redacted]") == 3
    assert "X-B: ${TEST_KEY}" in shown
    assert '"max_tokens": 5' in shown
    assert "no response_example.md: the mapping was not tried" in shown


@pytest.mark.parametrize(
    ("answer", "example", "said"),
    [
        (WHOLE, "```json\n{}\n```", "one/response_example.md:2: The provider's answer cannot"),
        (WHOLE, "```json\n{\n```", "it is no JSON"),
        (WHOLE, "no block", "one/response_example.md: has no ```json block"),
        (EVENTS, "```json\n{}\n```", "one/response_example.md: has no ```sse block"),
        (EVENTS, '```sse\ndata: {"x": 1}\n```', "broke off"),
        (EVENTS, '```sse\ndata: {"f": "stop"}\n```', "answer.events.delta finds no text"),
        (EVENTS, '```sse\ndata: {"d": "a", "f": "b"}\n```', "finish_reasons does not know 'b'"),
    ],
)
def test_a_mapping_that_does_not_fit_the_example(
    tmp_path: Path, answer: Any, example: str, said: str
) -> None:
    folder = write(tmp_path / "one", metadata(answer=answer))
    (folder / "response_example.md").write_text(f"Like this:\n{example}\n")
    refuse(folder, said)


def start_fails(serve: Serve, folder: Path, said: str, **environment: str) -> None:
    with pytest.raises(RuntimeError, match=f"adapter: .*{re.escape(said)}"):
        serve("--backend", FOLDER, **settings(folder, **environment))


def test_a_server_says_what_is_wrong_and_does_not_start(serve: Serve, tmp_path: Path) -> None:
    start_fails(serve, tmp_path / "none", "FOLDER_PROVIDERS_DIR: there is no folder")
    start_fails(serve, tmp_path / "none", "is not set", FOLDER_PROVIDERS_DIR="")
    providers = tmp_path / "providers"
    providers.mkdir()
    start_fails(serve, providers, "there is no provider's folder")
    write(providers / "one", metadata(models=["m", "x*"]))
    hosts = "one/metadata.json:2: host: 127.0.0.1 is not among FOLDER_HOSTS"
    start_fails(serve, providers, hosts, FOLDER_HOSTS="localhost, 127.0.0.10")
    start_fails(serve, providers, hosts, FOLDER_HOSTS="")
    start_fails(serve, providers, "TEST_KEY is not set", TEST_KEY="")
    write(providers / "two", metadata(models=["x*"]))
    start_fails(serve, providers, "two and one both claim the model 'x*'")


def test_a_folder_that_leads_out_is_no_provider(serve: Serve, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", metadata())
    (tmp_path / "providers").mkdir()
    (tmp_path / "providers/one").symlink_to("../elsewhere")
    start_fails(serve, tmp_path / "providers", "one: a link that leads out")


def test_the_longest_claim_wins_and_hidden_folders_are_none(serve: Serve, tmp_path: Path) -> None:
    providers = tmp_path / "providers"
    write(providers / "one", metadata(models=["*", "ab"]))
    write(providers / "two", metadata(models=["a*"], answer=EVENTS), payload={"p": "{{prompt}}"})
    write(providers / ".git", "not JSON")
    (providers / "README.md").write_text("Providers.")
    with serve("--backend", FOLDER, **settings(providers)).http() as http:
        listed = json.loads(http.get("/v1/models").content)["data"]
    assert [(one["id"], one["owned_by"]) for one in listed] == [("ab", "one")]
