"""A model that cannot be served: one clear line before the port opens, and exit code 2."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server import ROOT


def serve(folder: Path, *flags: str, **environment: str) -> str:
    """What the command says as it stops."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "adapter", "serve", "--backend", "torch", "--port", "0", *flags],
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("adapter: ")
    return lines[0]


@pytest.fixture
def copy(smollm2: Path, tmp_path: Path) -> Path:
    """A model folder to spoil; the weights are a link."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in smollm2.iterdir():
        if file.suffix == ".safetensors":
            (folder / file.name).symlink_to(file)
        else:
            shutil.copy(file, folder)
    return folder


def test_no_model_says_which_command_to_type(tmp_path: Path) -> None:
    said = serve(tmp_path, ADAPTER_CACHE_DIR=str(tmp_path))
    assert "adapter models pull smollm2" in said


def test_a_path_that_is_nowhere_is_named(tmp_path: Path) -> None:
    assert "no-such-folder" in serve(tmp_path, "--model-path", "./no-such-folder")
    (tmp_path / "empty").mkdir()
    assert "config.json" in serve(tmp_path, "--model-path", "empty")


def test_cut_off_weights_are_named(copy: Path, tmp_path: Path) -> None:
    weights = copy / "model.safetensors"
    head = weights.read_bytes()[:100_000]
    weights.unlink()
    weights.write_bytes(head)
    assert "model.safetensors" in serve(tmp_path, "--model-path", str(copy))


def test_weights_of_another_size_are_named(copy: Path, tmp_path: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"intermediate_size": 1024}))
    assert "mlp" in serve(tmp_path, "--model-path", str(copy))


def test_a_config_that_is_none_is_named(copy: Path, tmp_path: Path) -> None:
    (copy / "config.json").write_text("{")
    assert "config.json" in serve(tmp_path, "--model-path", str(copy))


def test_a_config_that_would_fail_while_it_loads_is_told_of_before(
    copy: Path, tmp_path: Path
) -> None:
    config = json.loads((copy / "config.json").read_text())
    scaling = {"rope_scaling": {"rope_type": "linear"}, "rope_parameters": None}
    (copy / "config.json").write_text(json.dumps(config | scaling))
    assert "linear lacks 'factor'" in serve(tmp_path, "--model-path", str(copy))


def test_a_factory_that_raises_is_told_of_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def make():\n    raise RuntimeError('no\\nweights')\n")
    said = serve(tmp_path, "--model-path", "mine:make")
    assert "mine:make: made no decoder: RuntimeError: no weights" in said


def test_a_tokenizer_of_another_model_is_named(copy: Path, minilm: Path, tmp_path: Path) -> None:
    said = serve(tmp_path, "--model-path", str(copy), "--tokenizer-path", str(minilm))
    assert "tokenizer" in said
    (copy / "tokenizer.json").unlink()
    assert "tokenizer.json" in serve(tmp_path, "--model-path", str(copy))


def test_too_little_memory_is_told_in_figures(copy: Path, tmp_path: Path) -> None:
    said = serve(tmp_path, "--model-path", str(copy), TORCH_KV_CACHE_MB="900000000")
    assert "GB" in said


def test_a_device_or_format_that_is_not_there_is_named(copy: Path, tmp_path: Path) -> None:
    assert "tpu" in serve(tmp_path, "--model-path", str(copy), "--device", "tpu")
    assert "int3" in serve(tmp_path, "--model-path", str(copy), "--quantize", "int3")
