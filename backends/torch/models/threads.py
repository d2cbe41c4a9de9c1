"""The threads that PyTorch computes with: a team for each thread that has computed anything."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

MAPS = Path("/proc/self/maps")
PAUSE_SOFT = 1  # of OpenMP 5.0: let go of threads, keep settings


def openmp_libraries() -> set[Path]:
    """Every libgomp that this process has loaded; none where there is no Linux."""
    if not MAPS.exists():
        return set()
    mapped = (line.split(maxsplit=5)[5:] for line in os.fsdecode(MAPS.read_bytes()).splitlines())
    files = {Path(names[0].strip()) for names in mapped if names}
    return {path for path in files if path.name.startswith("libgomp") and ".so" in path.name}


def release_threads() -> None:
    """Let go of the calling thread's team; the next computation makes it anew.

    Where libgomp has more threads than there are cores, all of them sleep at a barrier instead of
    waiting actively, be they idle or not: another team makes the engine a sixth slower.
    """
    for path in openmp_libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:  # its file was replaced under the running process
            continue
        if hasattr(library, "omp_pause_resource_all"):
            library.omp_pause_resource_all(PAUSE_SOFT)
