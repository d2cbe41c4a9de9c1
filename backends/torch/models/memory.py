"""Whether a model fits into the memory that is free."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from backends.torch.models.tensors import EMBEDDING, expected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backends.torch.models.config import Config

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
# The files of a control group, by version: its limit, what it uses, and what of that gives way.
V2 = ("memory.max", "memory.current", ("inactive_file", "active_file"))
V1 = (
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    ("total_inactive_file", "total_active_file"),
)
GB = 1_000_000_000
QUANTISING = 10  # bytes an element of the linear that is being quantised


def weight_bytes(config: Config, dtype: torch.dtype, *, int8: bool = False) -> int:
    """What a model's weights take while they are loaded, one linear after the other.

    On a CPU a tied head is laid out again for the product; elsewhere this is a bit too much.
    """
    total = largest = 0
    for name, shape in expected(config).items():
        elements = prod(shape)
        linear = len(shape) > 1 and name != EMBEDDING
        total += elements if linear and int8 else elements * dtype.itemsize
        largest = max(largest, elements if len(shape) > 1 else 0)
    if config.tied:
        total += config.vocabulary * config.hidden * (1 if int8 else dtype.itemsize)
    return total + largest * (QUANTISING if int8 else dtype.itemsize)


def require(need_bytes: int, device: torch.device) -> None:
    """Nothing, if that much is free on a device, or if nobody can say.

    Raises ValueError, one line with both figures, if it is not.
    """
    free_bytes = available(device)
    if free_bytes is not None and need_bytes > free_bytes:
        raise ValueError(f"needs {need_bytes / GB:.1f} GB, {free_bytes / GB:.1f} GB are free")


def available(device: torch.device) -> int | None:
    """The bytes free on a device, None where the system does not tell."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min((free for free in (_machine(), *_groups()) if free is not None), default=None)


def _machine() -> int | None:
    if MEMINFO.exists():
        for line in MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" in names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _groups() -> Iterator[int | None]:
    """What each control group around this process leaves it.

    A container sees its own as the outermost; outside of one, its path stands in `MEMBERSHIP`.
    """
    try:
        lines = MEMBERSHIP.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in ["0::/", *lines]:
        _, kinds, path = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        root = CGROUP / "memory" if kinds else CGROUP
        inner = root / path.strip("/")
        for folder in (inner, *inner.parents):
            yield _left(folder, V1 if kinds else V2)
            if folder == root:
                break


def _left(folder: Path, names: tuple[str, str, tuple[str, str]]) -> int | None:
    """What a control group has left; its file cache gives way, so it counts as free."""
    limit, used, reclaimable = names
    try:
        bounds = [(folder / name).read_text(encoding="ascii").strip() for name in (limit, used)]
        words = (folder / "memory.stat").read_text(encoding="ascii").split()
    except OSError:
        return None
    if not all(bound.isdecimal() for bound in bounds):
        return None
    numbers = dict(zip(words[::2], words[1::2], strict=False))
    cache = sum(int(numbers.get(name, 0)) for name in reclaimable)
    return int(bounds[0]) - int(bounds[1]) + cache
