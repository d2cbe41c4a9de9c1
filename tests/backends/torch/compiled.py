"""The kernels for the tests, compiled once for all test workers."""

from pathlib import Path

import pytest
import torch

from backends.torch.kernels.build import NoKernelsError
from backends.torch.kernels.load import Kernels, load


def kernels_of(factory: pytest.TempPathFactory) -> Kernels:
    """The kernels, or a skipped test where there can be none."""
    shared = factory.getbasetemp()
    try:
        return load((shared.parent if "popen" in shared.name else shared) / "kernels")
    except NoKernelsError as error:
        pytest.skip(str(error))


def some(seed: int, *sizes: int) -> torch.Tensor:
    """Normal numbers in bfloat16."""
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(seed)).bfloat16()


def off(found: torch.Tensor, expected: torch.Tensor) -> float:
    """How far off a result is, as a part of its length. NaN where it is none."""
    found, expected = found.float(), expected.float()
    return float((found - expected).norm() / expected.norm().clamp_min(1e-20))


def cache_in(folder: Path) -> list[str]:
    """The names of what is kept in a folder."""
    return sorted(path.name for path in folder.iterdir())
