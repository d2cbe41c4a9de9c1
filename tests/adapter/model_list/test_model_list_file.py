"""A model list in a file, and what is no place for one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapter.model_list import ModelList
from tests.adapter.model_list.opened import BOUNDS, MAX_BYTES, Open, ids
from tests.adapter.model_list.server import GOOD, GPT, SONNET


@pytest.mark.parametrize("scheme", ["", "file://", "file://localhost"])
async def test_a_file_is_read_again_when_it_changes(
    open_list: Open, tmp_path: Path, scheme: str
) -> None:
    path = tmp_path / "a list.json"
    path.write_text(json.dumps(GOOD))
    models = open_list(scheme + (str(path).replace(" ", "%20") if scheme else str(path)))
    await models.start()
    first = models.models
    await models.refresh()
    assert models.models is first
    # Other bytes under the same time, size and inode show that it is not even read.
    seen = path.stat()
    path.write_text(json.dumps(GOOD).replace("gpt-4o", "gpt-5o"))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    await models.refresh()
    assert (models.models, models.state.status) == (first, "ok")
    path.write_text(json.dumps([SONNET]))
    await models.refresh()
    assert ids(models) == ["claude-sonnet"]
    path.write_text("[{]")
    await models.refresh()
    assert (models.state.status, ids(models)) == ("stale", ["claude-sonnet"])
    assert "line 1, column 3" in (models.state.error or "")
    path.unlink()
    await models.refresh()
    assert models.state.error == "The file of the model list is not there."
    path.write_text(json.dumps([GPT]))
    await models.refresh()
    assert (models.state.status, ids(models)) == ("ok", ["gpt-4o"])


@pytest.mark.parametrize("kind", ["folder", "pipe", "long"])
async def test_a_path_that_is_no_list(open_list: Open, tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_text(" " * (MAX_BYTES + 1))
    models = open_list(str(path))
    await models.start()
    words = "is larger than 20000 bytes." if kind == "long" else "is no regular file."
    assert models.state.error == f"The model list {words}"


@pytest.mark.parametrize(
    "url",
    ["", "ftp://127.0.0.1/a", "http://", "http:///a", "http://a:99999/", "http://[", "file://a/b"],
)
def test_a_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ModelList(url, refresh_s=1, timeout_s=1, max_bytes=1, saved=None)


@pytest.mark.parametrize("name", ["refresh_s", "timeout_s", "max_bytes"])
def test_bounds_are_above_zero(name: str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        ModelList("list.json", **(BOUNDS | {name: 0}))


def test_aiohttp_is_loaded_by_a_list_over_http_alone(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(json.dumps(GOOD))
    code = """
import asyncio, sys
from adapter.model_list import ModelList

async def main():
    models = ModelList("list.json", refresh_s=1, timeout_s=1, max_bytes=9999, saved=None)
    await models.start()
    await models.aclose()
    print(len(models.models), "aiohttp" in sys.modules)

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(sys.path)},
        text=True,
        timeout=30,
    )
    assert (done.stdout.split(), done.stderr) == (["2", "False"], "")
