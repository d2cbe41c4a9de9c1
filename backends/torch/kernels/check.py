"""Whether the kernels compute what the portable tier does, on small random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from backends.torch.decoder import Shape, Step
from backends.torch.kernels.build import NoKernelsError
from backends.torch.models.attention import PortableStep
from backends.torch.models.cache import PagedCache
from backends.torch.models.ops import Ops, Rotary

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_ERROR = 0.03  # of a result's length: some roundings of bfloat16, 0.004 each
HEADS, KV_HEADS, HEAD_SIZE = 3, 1, 64
LENGTHS = (70, 5, 40)  # of the contexts of two tokens and of a prompt's last 8


def check(ops: Ops, portable: Ops) -> None:
    """Raise NoKernelsError if an operation is off."""
    for name, found, expected in zip(OPERATIONS, _results(ops), _results(portable), strict=True):
        error = (found.float() - expected.float()).norm() / expected.float().norm()
        if not error < LARGEST_ERROR:  # NaN is wrong too
            raise NoKernelsError(f"{name} is off by {float(error):.3f}")


OPERATIONS = ("linear", "linear of many", "add_rms_norm", "silu_mul", "attention")


def _results(ops: Ops) -> list[torch.Tensor]:
    numbers = torch.Generator().manual_seed(0)

    def some(*sizes: int) -> torch.Tensor:
        return torch.randn(*sizes, generator=numbers).bfloat16()

    product = ops.linear(some(70, 200), some(70))
    return [
        product(some(1, 200)),
        product(some(40, 200)),
        ops.add_rms_norm(some(3, 200), some(3, 200), some(200), 1e-5),
        ops.silu_mul(some(3, 200)),
        _attention(ops, some(10, (HEADS + 2 * KV_HEADS) * HEAD_SIZE), some),
    ]


def _attention(ops: Ops, qkv: torch.Tensor, some: Callable[..., torch.Tensor]) -> torch.Tensor:
    """What a step of two decoding sequences and a prompt's end gives, all at once."""
    shape = Shape(1, HEADS, KV_HEADS, HEAD_SIZE, 1, 128, torch.bfloat16, torch.device("cpu"))
    paged = PagedCache(shape, blocks=7)
    for kept in (paged.keys[0], paged.values[0]):
        kept.copy_(some(*kept.shape))
    angles = torch.outer(torch.arange(128.0), 0.7 ** torch.arange(HEAD_SIZE / 2))
    positions = [LENGTHS[0] - 1, LENGTHS[1] - 1, *range(LENGTHS[2] - 8, LENGTHS[2])]
    step = Step(
        token_ids=torch.zeros(10, dtype=torch.int64),
        positions=torch.tensor(positions, dtype=torch.int32),
        block_tables=torch.tensor([[4, 0, 6], [2, 0, 0], [5, 1, 0]], dtype=torch.int32),
        wanted=torch.arange(10),
        starts=[0, 1, 2, 10],
        lengths=list(LENGTHS),
        decoding=2,
    )
    return ops.attention(
        qkv.clone(), 0, PortableStep(paged, step), Rotary(angles.cos(), angles.sin())
    )
