"""The check refuses kernels that compute something else, and takes those that do not."""

import shutil
from pathlib import Path

import pytest
import torch

from backends.torch.kernels import build
from backends.torch.kernels.build import NoKernelsError
from backends.torch.kernels.check import check
from backends.torch.kernels.load import Kernels, fast_ops, load
from backends.torch.kernels.ops import FastOps
from backends.torch.kernels.quantize import PortableInt8Ops
from backends.torch.models.portable import PortableOps
from tests.backends.torch.compiled import kernels_of

# A line of native/ and what a defect makes of it, and whether it is seen in bfloat16 at all.
DEFECTS = [
    ("layers.c", "if (layer->head_norm)", "if (0)", "all layers", False),
    ("rows.c", "/ (float)width", "/ (float)(width + 16)", "rms_norm", False),
    ("vectors.h", "_mm512_set1_ps(-126.0f)", "_mm512_set1_ps(-3.0f)", "silu_mul", False),
    ("attention.c", "step->positions[t] / PIECE + 1", "1", "attention of 2 heads of 64", False),
    ("split.c", "srli_epi32(number, 8)", "srli_epi32(number, 9)", "linear of 1", True),
]


@pytest.fixture
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    return kernels_of(tmp_path_factory)


@pytest.mark.parametrize("int8", [False, True], ids=["bf16", "int8"])
@pytest.mark.parametrize("tiles", [False, True], ids=["vectors", "tiles"])
def test_it_takes_the_kernels_as_they_are(kernels: Kernels, int8: bool, tiles: bool) -> None:
    if tiles and not kernels.tiles:
        pytest.skip("the processor has no AMX")
    ops = FastOps(Kernels(kernels.library, tiles), int8=int8)
    check(ops, PortableInt8Ops() if int8 else PortableOps())


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(("file", "line", "defect", "name", "int8"), DEFECTS)
def test_it_refuses_a_defect(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    file: str,
    line: str,
    defect: str,
    name: str,
    int8: bool,
) -> None:
    shutil.copytree(build.SOURCES, tmp_path / "native")
    path = tmp_path / "native" / file
    source = path.read_text("utf-8")
    assert line in source
    path.write_text(source.replace(line, defect), "utf-8")
    monkeypatch.setattr(build, "SOURCES", tmp_path / "native")
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-O0"))
    ops = FastOps(load(tmp_path / "kept"), int8=int8)
    with pytest.raises(NoKernelsError, match=f"{name} is off by"):
        check(ops, PortableInt8Ops() if int8 else PortableOps())
    assert fast_ops(int8=int8, folder=tmp_path / "kept") is None


class WrongOnce(PortableOps):
    """Operations of which one number is wrong."""

    def silu_mul(self, gate_up: torch.Tensor) -> torch.Tensor:
        gated = super().silu_mul(gate_up)
        gated[-1, -1] += 4
        return gated


def test_a_single_number_is_enough(kernels: Kernels) -> None:
    threads = torch.get_num_threads()
    with pytest.raises(NoKernelsError, match="silu_mul is off by"):
        check(WrongOnce(), PortableOps())
    check(FastOps(kernels), PortableOps())
    assert torch.get_num_threads() == threads
