"""Which operations a decoder runs on: the kernels where they can be had, plain torch elsewhere."""

import torch

from backends.torch.kernels.load import fast_ops
from backends.torch.kernels.quantize import PortableInt8Ops
from backends.torch.models.ops import Ops
from backends.torch.models.portable import PortableOps

FORMATS = ("none", "int8")


def check_tier(device: torch.device, dtype: torch.dtype, quantize: str) -> None:
    """Nothing, where weights can be packed so on that device.

    Raises:
        ValueError: they cannot.
    """
    if quantize not in FORMATS:
        raise ValueError(f"QUANTIZE: {quantize!r} is not known; use {' or '.join(FORMATS)}")
    if quantize != "none" and (device.type != "cpu" or dtype != torch.bfloat16):
        raise ValueError("QUANTIZE: int8 works with DEVICE=cpu and TORCH_DTYPE=bfloat16 alone")


def ops_of(device: torch.device, dtype: torch.dtype, quantize: str, *, kernels: bool) -> Ops:
    """The fastest operations there are; `kernels` allows those in C."""
    int8 = quantize == "int8"
    if kernels and device.type == "cpu" and dtype == torch.bfloat16:
        fast = fast_ops(int8=int8)
        if fast is not None:
            return fast
    return PortableInt8Ops() if int8 else PortableOps()
