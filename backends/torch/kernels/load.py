"""The kernels, or a line in the log that says why there are none."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backends.torch.kernels.binding import bind
from backends.torch.kernels.build import NoKernelsError, has_tiles, library
from backends.torch.kernels.check import check
from backends.torch.kernels.ops import FastOps
from backends.torch.kernels.quantize import PortableInt8Ops
from backends.torch.models.portable import PortableOps
from backends.torch.weights.cache import cache_folder

if TYPE_CHECKING:
    import ctypes
    from pathlib import Path

logger = logging.getLogger(__name__)


@dataclass(slots=True, frozen=True)
class Kernels:
    """The loaded library, and whether to use its linears for AMX."""

    library: ctypes.CDLL
    tiles: bool


def fast_ops(*, int8: bool = False, folder: Path | None = None) -> FastOps | None:
    """`Ops` on the kernels, compiled and checked; None where they cannot be had.

    `folder` is where they are kept compiled, else the user's cache.
    """
    try:
        kernels = load(folder or cache_folder().with_name("kernels"))
        ops = FastOps(kernels, int8=int8)
        check(ops, PortableInt8Ops() if int8 else PortableOps())
    except NoKernelsError as error:
        logger.info("no fast kernels: %s", error)
        return None
    return ops


def load(folder: Path) -> Kernels:
    """The kernels kept in `folder`, compiled if need be. Raises NoKernelsError."""
    path = library(folder)
    try:
        loaded = bind(path)
    except NoKernelsError:
        # What was kept does not load: it came with a home directory from another system.
        loaded = bind(library(folder, anew=True))
    return Kernels(loaded, tiles=has_tiles() and bool(loaded.permit_tiles()))
