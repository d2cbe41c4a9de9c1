import subprocess
import sys
from errno import ENOSPC
from pathlib import Path

import pytest

from backends.torch.weights.cache import cache_folder, kept

# Says when it makes the folder, and takes its time over it.
MAKER = """
import sys, time
from backends.torch.weights.cache import kept

def make(folder):
    (folder / "weights").write_text("half")
    time.sleep(0.3)
    (folder / "weights").write_text("whole")
    print("made")

print((kept("model", make, peak_bytes=1) / "weights").read_text())
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADAPTER_CACHE_DIR", str(tmp_path))
    return tmp_path / "models"


def test_the_cache_is_the_users_own_unless_it_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder() == tmp_path / "models"
    monkeypatch.delenv("ADAPTER_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg/openai-server-kit/models"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache/openai-server-kit/models"


def test_of_two_processes_one_makes_the_folder_and_both_have_it() -> None:
    command = [sys.executable, "-c", MAKER]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=30)[0] for process in started]
    assert sorted(said) == ["made\nwhole\n", "whole\n"]


def test_what_was_not_finished_is_not_there_and_is_made_again(cache: Path) -> None:
    def broken(folder: Path) -> None:
        (folder / "weights").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept("model", broken, peak_bytes=1)
    assert [file.name for file in cache.iterdir()] == [".model.lock"]
    killed = cache / ".model.part"
    killed.mkdir()
    (killed / "left").touch()
    made = kept("model", lambda folder: (folder / "weights").touch(), peak_bytes=1)
    assert [file.name for file in made.iterdir()] == ["weights"]


def test_too_little_room_is_one_line_before_anything_is_made(cache: Path) -> None:
    with pytest.raises(ValueError, match=r"needs 1000000000000 MB of free disk, and has \d+ MB"):
        kept("model", lambda _: None, peak_bytes=10**18)


def test_a_disk_that_fills_up_meanwhile_is_one_line(cache: Path) -> None:
    def full(_: Path) -> None:
        raise OSError(ENOSPC, "No space left on device")

    with pytest.raises(ValueError, match=f"cannot write to {cache}: No space left on device"):
        kept("model", full, peak_bytes=1)


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path, cache: Path) -> None:
    cache.touch()
    with pytest.raises(ValueError, match="cannot write to"):
        kept("model", lambda _: None, peak_bytes=1)
