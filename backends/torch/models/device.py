"""Where a model runs, and in which number format: `auto` made plain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

DTYPES = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
}


def device_of(name: str) -> torch.device:
    """The device of a name; `auto` takes the first there is of cuda, mps, cpu.

    Raises ValueError for one that PyTorch does not know or that this machine does not have.
    """
    there: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, available in there.items() if available()))
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"device {name!r} is not known; use auto, cpu, cuda or mps") from None
    if device.type not in there or not there[device.type]() or not _numbered(device):
        raise ValueError(f"device {name!r} is not there on this machine")
    return device


def _numbered(device: torch.device) -> bool:
    """Whether there is a device of that number; only those of CUDA have one."""
    return device.index is None or (
        device.type == "cuda" and device.index < torch.cuda.device_count()
    )


def dtype_of(name: str, device: torch.device) -> torch.dtype:
    """The number format of a name; `auto` is bfloat16 where the hardware multiplies it.

    Raises ValueError for a name that is none of `DTYPES`.
    """
    if name != "auto":
        if name not in DTYPES:
            raise ValueError(f"dtype {name!r} is not known; use auto, {', '.join(DTYPES)}")
        return DTYPES[name]
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    if device.type == "mps":
        return torch.bfloat16 if torch.backends.mps.is_macos_or_newer(14, 0) else torch.float32
    return torch.bfloat16 if _multiplies_bf16() else torch.float32


def _multiplies_bf16() -> bool:
    """Whether this processor has instructions for bfloat16 products, x86 or Arm."""
    able = torch.cpu.get_capabilities()
    return any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "sve_bf16"))
