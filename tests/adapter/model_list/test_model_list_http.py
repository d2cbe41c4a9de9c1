"""A model list over HTTP: versions, redirects, limits, and servers that fail."""

import logging
from pathlib import Path

import pytest

from tests.adapter.model_list.opened import Open, ids, refused
from tests.adapter.model_list.server import Answer, ListServer, list_server, listing, zipped


async def test_a_zipped_list(open_list: Open, source: ListServer) -> None:
    source.answer = zipped(source.answer.body)
    models = open_list()
    await models.start()
    assert ids(models) == ["gpt-4o", "claude-sonnet"]
    assert source.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("header", "value", "asks"),
    [
        ("ETag", 'W/"1"', "if-none-match"),
        ("Last-Modified", "Sat, 21 Nov 2026 06:00:00 GMT", "if-modified-since"),
    ],
)
async def test_a_list_that_has_not_changed_is_not_sent_again(
    open_list: Open, source: ListServer, header: str, value: str, asks: str
) -> None:
    source.answer = listing(**{header: value})
    models = open_list()
    await models.start()
    first = models.models
    assert asks not in source.headers
    await models.refresh()
    assert source.headers[asks] == value
    assert models.models is first
    assert models.state.status == "ok"


async def test_a_bad_version_is_never_taken_for_unchanged(
    open_list: Open, source: ListServer
) -> None:
    source.answer = listing(ETag='"good"')
    models = open_list()
    await models.start()
    source.answer = Answer(b"oops", headers={"ETag": '"bad"'})
    for _ in range(2):
        await models.refresh()
        assert source.headers["if-none-match"] == '"good"'
        assert (models.state.status, ids(models)) == ("stale", ["gpt-4o", "claude-sonnet"])
    source.answer = listing(ETag='"good"')
    await models.refresh()
    assert models.state.status == "ok"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(b"[]", 500), "The server of the model list answered 500."),
        (Answer(b"[]", 404), "answered 404"),
        (Answer(b"", 304), "answered 304"),
        (Answer(b"", 204), "answered 204"),
        (Answer(b"[]", 206), "answered 206"),
        (Answer(b"[]", delay_s=1), "took over 0.3 s"),
        (Answer(b"[            ]", pause_s=0.1), "took over 0.3 s"),
        (Answer(b"[]", length=10), "broke off"),
        (Answer(b"no gzip", headers={"Content-Encoding": "gzip"}), "broke off"),
        (zipped(b" " * 50_000_000), "larger than 20000 bytes"),
    ],
)
async def test_a_source_that_fails_keeps_the_last_good_one(
    open_list: Open, source: ListServer, answer: Answer, words: str
) -> None:
    assert words in await refused(open_list(), source, answer)


async def test_a_server_that_is_gone(open_list: Open, source: ListServer) -> None:
    models = open_list()
    await models.start()
    source.stop()
    await models.refresh()
    assert models.state.error == "The model list's server refuses connections."
    source.start()
    await models.refresh()
    assert models.state.status == "ok"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_host_is_followed(
    open_list: Open, source: ListServer, status: int
) -> None:
    source.answers["/models.json"] = Answer(b"", status, {"Location": "/v2/models.json"})
    models = open_list()
    await models.start()
    assert models.state.status == "ok"
    assert [path for path, _ in source.asked] == ["/models.json", "/v2/models.json"]


@pytest.mark.parametrize("how", ["host", "port", "scheme", "nowhere"])
async def test_a_redirect_to_another_host_is_not_followed(
    open_list: Open, source: ListServer, how: str
) -> None:
    with list_server() as other:
        locations = {
            "host": source.url.replace("127.0.0.1", "localhost"),
            "port": other.url,
            "scheme": "ftp://127.0.0.1/models.json",
            "nowhere": "",
        }
        source.answer = Answer(b"", 302, {"Location": locations[how]})
        models = open_list()
        await models.start()
        assert models.state.error == "The model list is redirected to another host."
        assert not other.asked


async def test_redirects_end(open_list: Open, source: ListServer) -> None:
    source.answer = Answer(b"", 302, {"Location": source.url})
    models = open_list()
    await models.start()
    assert models.state.error == "The model list is redirected in circles."


async def test_a_password_is_sent_and_never_shown(
    open_list: Open, source: ListServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    source.answers["/models.json?sig=query-secret"] = Answer(b"", 302, {"Location": "/v2"})
    url = source.url.replace("://", "://me:pass-secret@") + "?sig=query-secret"
    saved = tmp_path / "saved"
    models = open_list(url, saved=saved)
    await models.start()
    assert models.state.status == "ok"
    assert source.headers["authorization"].startswith("Basic ")
    source.answer = Answer(b"", 500)
    await models.refresh()
    shown = [record.__dict__ for record in caplog.records]
    assert "secret" not in f"{shown} {models.state} {saved.read_text()}"
