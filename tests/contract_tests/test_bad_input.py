"""What is no API is told in one line, with exit status 2, and soon."""

import time
from pathlib import Path

import pytest

from tests.contract_tests.bad_servers import (
    Speak,
    closes,
    dribbles,
    garbage,
    hangs,
    not_http,
    page,
    serving,
    status,
)
from tests.contract_tests.commands import adapter
from tests.server import Serve, Server, free_port

REFUSED = b'{"error": {"message": "No.", "type": "x", "param": null, "code": null}}'


def told(*arguments: str) -> str:
    """The one line that a hopeless run ends with."""
    began_s = time.monotonic()
    run = adapter("check", *arguments)
    assert run.returncode == 2, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    assert time.monotonic() - began_s < 30
    assert len(run.stderr.strip().splitlines()) <= 3, run.stderr
    return run.stderr


@pytest.mark.parametrize(
    ("speak", "message"),
    [
        (page, "a web page, not an API"),
        (closes, "got no answer"),
        (hangs, "no answer within 1 s; --timeout-s"),
        (garbage, "without an end: more than 16 MB"),
        (dribbles, "no end of the answer within 4 s; --timeout-s"),
        (not_http, "got no answer"),
        (status(401, REFUSED), "give one with --api-key"),
        (status(403, REFUSED), "give one with --api-key"),
        (status(404, REFUSED), "no OpenAI API"),
        (status(200, b'{"object": "list", "data": []}'), "lists no models; name one with --model"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_no_api(speak: Speak, message: str) -> None:
    with serving(speak) as url:
        assert message in told(url, "--timeout-s", "1")


def test_nobody_listens() -> None:
    assert "nothing answers at" in told(f"http://127.0.0.1:{free_port()}/v1")


def test_tls_where_there_is_none() -> None:
    with serving(page) as url:
        assert "TLS with" in told(url.replace("http:", "https:"))


def test_a_wrong_key(serve: Serve) -> None:
    server = serve(ENABLE_AUTH="true", API_KEY_SECRET="sk-right")
    message = told(f"{server.url}/v1", "--api-key", "sk-wrong")
    assert "the key was refused" in message
    assert "sk-wrong" not in message


def test_a_url_without_v1(mock: Server) -> None:
    assert "try " in told(mock.url)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["http://x/v1", "--profile", "everything"], "no such profile: everything"),
        (["http://x/v1", "--only", "chat.nonsense"], "no check is called chat.nonsense"),
        (["http://x/v1", "--baseline", "missing.yaml"], "missing.yaml"),
        (["http://x/v1", "--openapi", "README.md"], "no OpenAPI document"),
        (["ftp://x/v1"], "not an http:// or https:// URL"),
        (["no-url"], "not an http:// or https:// URL"),
        (["http://[::1/v1"], "cannot be sent"),
        (["http://x/v1", "--concurrency", "0"], "--concurrency"),
        (["http://x/v1", "--api-key", "sk-é"], "cannot be sent"),
        ([], "give the URL of a server, or --backend"),
        (["--backend", "nonesuch"], "no backend 'nonesuch'"),
    ],
)
def test_bad_arguments(arguments: list[str], message: str) -> None:
    run = adapter("check", *arguments)
    assert run.returncode == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_a_baseline_of_another_shape(tmp_path: Path) -> None:
    listed = tmp_path / "known.yaml"
    for text in ("- chat.id\n", "chat.id: 3\n", "no.such.check: why\n", "a: [\n"):
        listed.write_text(text)
        run = adapter("check", "http://x/v1", "--baseline", str(listed))
        assert run.returncode == 2
        assert "known.yaml" in run.stderr
