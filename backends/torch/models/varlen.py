"""Paged attention on CUDA by `torch.nn.attention.varlen`, one call a layer for a whole step.

This has not run on a GPU: none was to be had. Its layout and what it passes on are tested on a
CPU, with a stand-in of the same signature. So nothing takes it on trust: `attention_on` tries it
on the device against the portable way, and keeps that where they differ or where the installed
flash attention has no block tables. There are no CUDA graphs, for the same reason.

PyTorch brings FlashAttention 2, which reads blocks of 256 tokens (or a multiple) and wants to be
told where keys start; 3 and 4 come by `torch.nn.attention.activate_flash_attention_impl`, read
blocks of any size and find that in the block table.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Protocol

import torch
from torch.nn.attention import current_flash_attention_impl

from backends.torch.decoder import Shape, Step
from backends.torch.models.attention import PagedStep, PortableStep
from backends.torch.models.cache import PagedCache

if TYPE_CHECKING:
    from torch import Tensor

CAUSAL = (-1, 0)  # any token before, none behind


class VarlenAttention(Protocol):
    """The part of `varlen_attn`'s signature that is used."""

    def __call__(  # noqa: PLR0917 - the kernel's own order
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        cu_seq_q: Tensor,
        cu_seq_k: Tensor | None,
        max_q: int,
        max_k: int,
        *,
        scale: float | None,
        window_size: tuple[int, int],
        enable_gqa: bool,
        seqused_k: Tensor,
        block_table: Tensor,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """The answers [T, H, D] of queries [T, H, D] over blocks [N, S, K, D]."""
        ...


def _varlen_attn(*tensors: object, **options: object) -> Tensor | tuple[Tensor, Tensor]:
    """`varlen_attn`, imported on demand: that takes a second, and CPUs have no use for it."""
    attention: VarlenAttention = import_module("torch.nn.attention.varlen").varlen_attn
    return attention(*tensors, **options)  # type: ignore[arg-type] # as they are given


class VarlenStep(PagedStep):
    """Attention by one kernel that reads block tables."""

    kernel: ClassVar[VarlenAttention] = staticmethod(_varlen_attn)

    def __init__(self, paged: PagedCache, step: Step) -> None:
        super().__init__(paged, step)
        counts = [end - start for start, end in pairwise(step.starts)]
        device = step.positions.device
        owners = torch.repeat_interleave(
            torch.arange(len(counts), device=device), torch.tensor(counts, device=device)
        )  # [T]
        block = step.block_tables[owners, (step.positions // paged.block_tokens).long()]
        self._slots = block.long() * paged.block_tokens + step.positions % paged.block_tokens  # [T]
        self._starts = torch.tensor(step.starts, dtype=torch.int32, device=device)  # [B + 1]
        self._lengths = torch.tensor(step.lengths, dtype=torch.int32, device=device)  # [B]
        self._most = max(counts), max(step.lengths)
        self._key_starts: Tensor | None = None  # [B + 1]
        if current_flash_attention_impl() is None:  # FlashAttention 2
            self._key_starts = torch.zeros_like(self._starts)
            self._key_starts[1:] = self._lengths.cumsum(0)

    @staticmethod
    def room(shape: Shape, blocks: int, block_tokens: int) -> Tensor:
        """One layer's keys, or its values: [N, S, K, D], as the kernel reads them."""
        sizes = (blocks, block_tokens, shape.kv_heads, shape.head_size)
        return torch.empty(sizes, dtype=shape.dtype, device=shape.device)

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """See `Cache.attend`."""
        keys, values = self.paged.keys[layer], self.paged.values[layer]
        keys.flatten(0, 1).index_copy_(0, self._slots, key)
        values.flatten(0, 1).index_copy_(0, self._slots, value)
        answer = self.kernel(
            query,
            keys,
            values,
            self._starts,
            self._key_starts,
            *self._most,
            scale=scale,
            window_size=CAUSAL,
            enable_gqa=query.shape[1] != key.shape[1],
            seqused_k=self._lengths,
            block_table=self.step.block_tables,
        )
        return answer if isinstance(answer, torch.Tensor) else answer[0]


def block_tokens_on(device: torch.device) -> int:
    """How many tokens a block takes: what the quickest way to attend there can read."""
    flash_2 = device.type == "cuda" and current_flash_attention_impl() is None
    return 256 if flash_2 else 32


def attention_on(
    shape: Shape, block_tokens: int, varlen: type[PagedStep] = VarlenStep
) -> type[PagedStep]:
    """The quickest way to attend that gives what the portable one gives."""
    if shape.device.type != "cuda":
        return PortableStep
    return varlen if agrees(shape, block_tokens, varlen) else PortableStep


def agrees(shape: Shape, block_tokens: int, attention: type[PagedStep]) -> bool:
    """Whether a way to attend gives what the portable one gives, on the shape's device."""
    try:
        ours, theirs = (_trial(shape, block_tokens, way) for way in (PortableStep, attention))
    except (RuntimeError, ValueError, NotImplementedError):
        return False
    return torch.allclose(ours, theirs, rtol=0.02, atol=0.02)


def _trial(shape: Shape, block_tokens: int, attention: type[PagedStep]) -> Tensor:
    """The answers to one decoding sequence and to a piece of another's prompt, [T, H, D].

    Both have tokens in the cache already, and end in their second block.
    """
    paged = PagedCache(replace(shape, layers=1), 4, block_tokens, attention)
    for seed, kept in enumerate((paged.keys[0], paged.values[0])):
        numbers = _numbers(4, block_tokens, shape.kv_heads, shape, seed)  # [N, S, K, D]
        kept.copy_(numbers if attention.room is VarlenStep.room else numbers.transpose(1, 2))
    last = block_tokens + block_tokens // 2
    step = Step(
        token_ids=torch.zeros(6, dtype=torch.int64, device=shape.device),
        positions=torch.tensor([last, *range(block_tokens - 2, block_tokens + 3)]).to(
            shape.device, torch.int32
        ),
        block_tables=torch.tensor([[3, 1], [0, 2]], dtype=torch.int32, device=shape.device),
        wanted=torch.tensor([0, 5], device=shape.device),
        starts=[0, 1, 6],
        lengths=[last + 1, block_tokens + 3],
        decoding=1,
    )
    query, key, value = (
        _numbers(1, 6, heads, shape, seed)[0]
        for seed, heads in ((2, shape.heads), (3, shape.kv_heads), (4, shape.kv_heads))
    )
    return paged.at(step).attend(0, query, key, value)


def _numbers(blocks: int, tokens: int, heads: int, shape: Shape, seed: int) -> Tensor:
    """The same normal numbers on any device, [blocks, tokens, heads, D]."""
    generator = torch.Generator().manual_seed(seed)
    sizes = (blocks, tokens, heads, shape.head_size)
    return torch.randn(sizes, generator=generator).to(shape.device, shape.dtype)
