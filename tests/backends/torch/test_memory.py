"""What is free: of the machine, and of the control groups around the process."""

from dataclasses import replace
from math import prod
from pathlib import Path

import pytest
import torch

from backends.torch.models import memory
from backends.torch.models.config import Config, read_config
from backends.torch.models.tensors import expected
from tests.backends.torch.test_weights_reading import write as write_config


def test_a_container_s_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    plain = memory.available(torch.device("cpu"))
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("file 190\ninactive_file 90\nactive_file 60\n")
    assert memory.available(torch.device("cpu")) == 450
    inner = tmp_path / "outer/inner"
    inner.mkdir(parents=True)
    (tmp_path / "membership").write_text("1:name=x:/elsewhere\n0::/outer/inner\n")
    monkeypatch.setattr(memory, "MEMBERSHIP", tmp_path / "membership")
    for folder, limit in ((inner, "max"), (inner.parent, "400")):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text("300\n")
        (folder / "memory.stat").write_text("inactive_file 5\n")
    assert memory.available(torch.device("cpu")) == 105
    (inner.parent / "memory.max").write_text("max\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert plain is None or abs((memory.available(torch.device("cpu")) or 0) - plain) < 10**10


def test_the_weights_of_a_model_in_8_bits_need_half_the_memory(tmp_path: Path) -> None:
    write_config(
        tmp_path, vocab_size=2**16, hidden_size=2**12, intermediate_size=2**14, head_dim=2**10
    )
    config = read_config(tmp_path)
    assert isinstance(config, Config)
    config = replace(config, layers=100)
    plain = memory.weight_bytes(config, torch.bfloat16)
    elements = sum(prod(shape) for shape in expected(config).values())
    assert 2 * elements < plain < 2.1 * elements
    assert 0.5 < memory.weight_bytes(config, torch.bfloat16, int8=True) / plain < 0.65
    tied = memory.weight_bytes(replace(config, tied=True), torch.bfloat16)
    assert tied == plain
