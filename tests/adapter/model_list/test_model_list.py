"""The dynamic model list: read again and again, kept through every failure, and saved."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapter.model_list.opened import Open, ids
from tests.adapter.model_list.server import GPT, SONNET, Answer, ListServer, listing
from tests.adapter.watching import soon


@pytest.mark.parametrize("wrong", [Answer(b"", 500), Answer(b"<p>"), Answer(b"[]", delay_s=1)])
async def test_a_bad_start_is_an_empty_list_that_says_so(
    open_list: Open, source: ListServer, wrong: Answer
) -> None:
    source.answer = wrong
    models = open_list()
    await models.start()
    assert (models.models, models.state.status, models.state.fetched_at) == ((), "empty", None)
    assert models.state.error
    source.answer = listing()
    await models.refresh()
    assert models.state.status == "ok"


async def test_it_is_read_again_and_again_through_every_failure(
    open_list: Open, source: ListServer
) -> None:
    models = open_list(refresh_s=0.02)
    await models.start()
    for wrong in (Answer(b"", 500), Answer(b"<p>"), Answer(b"[]", delay_s=0.5)):
        source.answer = wrong
        assert await asyncio.to_thread(soon, lambda: models.state.status == "stale")
        source.answer = listing([GPT])
        assert await asyncio.to_thread(soon, lambda: models.state.status == "ok")
        assert ids(models) == ["gpt-4o"]
    await models.aclose()
    await models.aclose()
    asked = len(source.asked)
    await asyncio.sleep(0.1)
    assert len(source.asked) == asked
    assert ids(models) == ["gpt-4o"]


async def test_the_loop_survives_a_failure_that_nobody_foresaw(
    open_list: Open, source: ListServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # A path that no file can have: the system call itself is refused.
    models = open_list(str(tmp_path / "a\0b"), refresh_s=0.02)
    await models.start()
    assert models.state.status == "empty"
    assert "the log tells" in (models.state.error or "")
    crashes = len(caplog.records)
    assert await asyncio.to_thread(soon, lambda: len(caplog.records) > crashes)


async def test_other_work_goes_on_while_a_source_is_slow(
    open_list: Open, source: ListServer
) -> None:
    models = open_list()
    await models.start()
    source.answer = Answer(b"[]", delay_s=1)
    reading = asyncio.create_task(models.refresh())
    await asyncio.sleep(0.05)
    assert not reading.done()
    assert ids(models) == ["gpt-4o", "claude-sonnet"]
    await reading


async def test_a_failure_that_lasts_is_logged_once(
    open_list: Open, source: ListServer, caplog: pytest.LogCaptureFixture
) -> None:
    models = open_list()
    await models.start()
    source.answer = Answer(b"", 500)
    for _ in range(3):
        await models.refresh()
    assert [record.message for record in caplog.records] == ["the model list cannot be renewed"]


async def test_a_restart_works_offline(open_list: Open, source: ListServer, tmp_path: Path) -> None:
    saved = tmp_path / "state" / "models.json"
    source.answer = listing(ETag='"1"')
    before = open_list(saved=saved)
    await before.start()
    await before.aclose()
    assert os.listdir(saved.parent) == ["models.json"]
    source.stop()
    after = open_list(saved=saved)
    await after.start()
    assert after.models == before.models
    assert after.state.status == "stale"
    assert after.state.error == "The model list's server refuses connections."
    assert abs((after.state.fetched_at or 0) - (before.state.fetched_at or 0)) < 5
    source.start()
    await after.refresh()
    assert source.headers["if-none-match"] == '"1"'
    assert (after.state.status, after.models) == ("ok", before.models)


async def test_a_bad_list_is_not_saved(open_list: Open, source: ListServer, tmp_path: Path) -> None:
    saved = tmp_path / "models.json"
    models = open_list(saved=saved)
    await models.start()
    good = saved.read_bytes()
    source.answer = listing([GPT, GPT])
    await models.refresh()
    assert saved.read_bytes() == good
    source.answer = listing([SONNET | {"region": "eu"}])
    await models.refresh()
    assert json.loads(saved.read_bytes())["models"] == [SONNET | {"region": "eu"}]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:100],
        lambda text: "[]",
        lambda text: text.replace("claude-sonnet", "gpt-4o"),
        lambda text: text.replace('"/openai', '"/openai/..'),
        lambda text: text.replace('"stamp": {', '"stamp": {"If-None-Match": "a\\r\\nb"'),
        lambda text: text.replace("models.json", "others.json"),
    ],
)
async def test_a_saved_list_that_is_corrupt_or_anothers_is_ignored(
    open_list: Open,
    source: ListServer,
    tmp_path: Path,
    damage: Callable[[str], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    saved = tmp_path / "saved"
    models = open_list(saved=saved)
    await models.start()
    text = saved.read_text()
    assert damage(text) != text
    saved.write_text(damage(text))
    source.stop()
    caplog.clear()
    again = open_list(saved=saved)
    await again.start()
    assert (again.models, again.state.status) == ((), "empty")
    assert [record.message for record in caplog.records] == [
        "the saved model list is ignored",
        "the model list cannot be renewed",
    ]
    source.start()
    await again.refresh()
    assert again.models == models.models
    assert saved.read_text() != damage(text)


async def test_a_disk_that_refuses_costs_a_log_line(
    open_list: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for saved in (tmp_path / "file/models.json", tmp_path / "folder"):
        caplog.clear()
        models = open_list(saved=saved)
        await models.start()
        assert (models.state.status, len(models.models)) == ("ok", 2)
        assert "the model list is not saved" in [record.message for record in caplog.records]
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
