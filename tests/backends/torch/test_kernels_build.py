"""The library is made once, whatever happens meanwhile, and absent where it cannot be."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from backends.torch.kernels import build
from backends.torch.kernels.build import NoKernelsError, library
from backends.torch.kernels.load import Kernels, fast_ops, load
from tests.backends.torch.compiled import cache_in, kernels_of


@pytest.fixture
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    return kernels_of(tmp_path_factory)


def program(path: Path, lines: str) -> str:
    path.write_text(f"#!/bin/sh\n{lines}\n", "utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernels: Kernels) -> Path:
    """A compiler that takes no time to make things fast. It writes down its arguments."""
    log = tmp_path / "log"
    lines = f'echo "$@" >>{log}\nexec {build.compiler()} "$@" -O0'
    monkeypatch.setenv("CC", program(tmp_path / "quick", lines))
    return log


@pytest.mark.usefixtures("quick")
def test_two_processes_that_compile_at_once_leave_one_library(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from backends.torch.kernels.load import fast_ops;"
        "sys.exit(fast_ops(folder=Path(sys.argv[1])) is None)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "kept")]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert len(cache_in(tmp_path / "kept")) == 1


def test_what_is_kept_is_not_compiled_again(tmp_path: Path, quick: Path) -> None:
    first = library(tmp_path / "kept")
    second = library(tmp_path / "kept")
    assert first == second
    assert quick.read_text("utf-8").count(" -c ") == 1


@pytest.mark.usefixtures("quick")
def test_a_broken_library_is_made_again(tmp_path: Path) -> None:
    kept = library(tmp_path / "kept")
    kept.write_bytes(b"\x7fELF and then nothing")
    assert fast_ops(folder=tmp_path / "kept") is not None
    assert kept.stat().st_size > 1000


@pytest.mark.usefixtures("quick")
def test_half_a_library_is_never_loaded(tmp_path: Path) -> None:
    kept = library(tmp_path / "kept")
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])  # loading it would be the end of this process
    assert library(tmp_path / "kept") == kept
    assert kept.stat().st_size > len(whole) // 2


@pytest.mark.usefixtures("quick")
def test_other_sources_make_another_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "native"
    other.mkdir()
    for path in build.SOURCES.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    first = library(tmp_path / "kept")
    with (other / "rows.c").open("a", encoding="utf-8") as file:
        file.write("/* changed */\n")
    monkeypatch.setattr(build, "SOURCES", other)
    assert library(tmp_path / "kept") != first


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("echo no >&2; exit 1", "no"),
        ("exit 0", "No such file"),
        (r"printf 'caf\351\n' >&2; exit 1", "caf"),
        ("echo 'clang version 14'", "is clang"),
        ("echo 'in function f:\n f.c: undefined reference to g' >&2; exit 1", "reference to g"),
    ],
    ids=["it fails", "it makes nothing", "it writes Latin-1", "it is clang", "it is told why"],
)
def test_with_a_broken_compiler_there_are_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    lines: str,
    reason: str,
) -> None:
    monkeypatch.setenv("CC", program(tmp_path / "cc", lines))
    with caplog.at_level(logging.INFO):
        assert fast_ops(folder=tmp_path / "kept") is None
    assert "no fast kernels: " in caplog.text
    assert reason in caplog.text
    assert not list((tmp_path).glob("kept/*"))


@pytest.mark.usefixtures("kernels")
def test_without_a_compiler_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with caplog.at_level(logging.INFO):
        assert fast_ops(folder=tmp_path / "kept") is None
    assert "there is no C compiler" in caplog.text


def test_gcc_is_preferred_to_what_is_called_cc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gcc = program(tmp_path / "gcc", "exit 0")
    program(tmp_path / "cc", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    assert build.compiler() == gcc


@pytest.mark.parametrize("lacking", ["avx512_bf16", "avx512_vnni", "avx512_cd", "bmi2"])
def test_on_a_processor_without_the_instructions_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    able = torch.cpu.get_capabilities()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {**able, lacking: False})
    with pytest.raises(NoKernelsError):
        load(tmp_path)
    assert fast_ops(folder=tmp_path) is None


@pytest.mark.usefixtures("kernels")
def test_where_nothing_can_be_kept_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert fast_ops(folder=tmp_path / "file") is None
    assert fast_ops(folder=tmp_path / "file" / "kept") is None
    assert fast_ops(folder=tmp_path / ("x" * 300)) is None


@pytest.mark.usefixtures("quick")
def test_what_cannot_be_replaced_is_left(tmp_path: Path) -> None:
    kept = library(tmp_path / "kept")
    kept.unlink()
    kept.mkdir()
    assert fast_ops(folder=tmp_path / "kept") is None
