"""Whether a model fits into the memory that is free."""

from __future__ import annotations

import os
from pathlib import Path

import torch

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
GB = 1_000_000_000


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
    known = [free for free in (_machine(), _container()) if free is not None]
    return min(known, default=None)


def _machine() -> int | None:
    if MEMINFO.exists():
        for line in MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" in names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _container() -> int | None:
    """What a control group leaves this process; its file cache gives way, so it counts as free."""
    try:
        limit = (CGROUP / "memory.max").read_text(encoding="ascii").strip()
        if limit == "max":
            return None
        used = int((CGROUP / "memory.current").read_text(encoding="ascii"))
        statistics = (CGROUP / "memory.stat").read_text(encoding="ascii").split()
    except OSError:
        return None
    cache = int(statistics[statistics.index("file") + 1])
    return int(limit) - used + cache
