"""Paged attention gives what attention over each sequence by itself gives."""

from __future__ import annotations

import random
import resource
import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from backends.torch.decoder import Shape
from backends.torch.models.attention import PagedStep, PortableStep
from backends.torch.models.cache import PagedCache
from backends.torch.models.varlen import (
    CAUSAL,
    VarlenStep,
    agrees,
    attention_on,
    block_tokens_on,
)
from tests.backends.torch.greedy import step_of

SHAPE = Shape(
    layers=2,
    heads=6,
    kv_heads=2,
    head_size=8,
    vocabulary=9,
    context_tokens=64,
    dtype=torch.float32,
    device=torch.device("cpu"),
)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


def plain(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Causal attention of the last tokens of one sequence, by the book: [n, H, D]."""
    n, heads, _ = query.shape
    key, value = (x.repeat_interleave(heads // x.shape[1], 1) for x in (key, value))  # [T, H, D]
    scores = torch.einsum("nhd,thd->hnt", query, key) * scale
    later = torch.arange(len(key)) > torch.arange(len(key) - n, len(key))[:, None]
    weights = scores.masked_fill(later, -torch.inf).softmax(-1)
    return torch.einsum("hnt,thd->nhd", weights, value)


def stand_in(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    cu_seq_q: Tensor,
    cu_seq_k: Tensor | None,
    max_q: int,
    max_k: int,
    *,
    scale: float | None = None,
    window_size: tuple[int, int] = (-1, -1),
    enable_gqa: bool = False,
    seqused_k: Tensor | None = None,
    block_table: Tensor | None = None,
) -> Tensor:
    """`varlen_attn` with a block table, as its documentation describes it, on a CPU."""
    assert seqused_k is not None
    assert block_table is not None
    assert block_table.dtype == seqused_k.dtype == cu_seq_q.dtype == torch.int32
    assert cu_seq_k is not None  # FlashAttention 2 wants it, which is PyTorch's own
    assert cu_seq_k.dtype == torch.int32
    assert cu_seq_k.tolist() == [0, *seqused_k.cumsum(0).tolist()]
    assert window_size == CAUSAL
    assert enable_gqa == (query.shape[1] != key.shape[2])
    counts = cu_seq_q.diff().tolist()
    assert (max(counts), int(seqused_k.max())) == (max_q, max_k)
    answers = []
    for b, count in enumerate(counts):
        part = query[int(cu_seq_q[b]) :][:count]
        used = int(seqused_k[b])
        k, v = (x[block_table[b].long()].flatten(0, 1)[:used] for x in (key, value))  # [T, K, D]
        answers.append(plain(part, k, v, scale or query.shape[-1] ** -0.5))
    return torch.cat(answers)


class StandInStep(VarlenStep):
    kernel = staticmethod(stand_in)


@pytest.mark.parametrize("attention", [PortableStep, StandInStep])
@pytest.mark.parametrize("block_tokens", [1, 4, 32])
def test_any_mix_of_sequences_attends_to_its_own_tokens_alone(
    attention: type[PagedStep], block_tokens: int
) -> None:
    rng, blocks = random.Random(block_tokens), 200
    torch.manual_seed(block_tokens)
    paged = PagedCache(SHAPE, blocks, block_tokens, attention)
    for kept in (*paged.keys, *paged.values):
        kept.fill_(torch.nan)
    free = rng.sample(range(blocks), blocks)
    tables: list[list[int]] = [[] for _ in range(7)]
    seen = [torch.empty(0, 2, 2, 8) for _ in tables]  # [tokens, key and value, K, D]
    for turn in range(12):
        shares = [(b, rng.choice([1, 1, 2, 5])) for b in range(7) if rng.random() < 0.8 or not turn]
        shares.sort(key=lambda share: not (share[1] == 1 and len(seen[share[0]])))
        decoding = sum(share == 1 and len(seen[b]) > 0 for b, share in shares)
        for b, share in shares:
            while len(tables[b]) * block_tokens < len(seen[b]) + share:
                tables[b].append(free.pop())
        step = step_of([([0] * n, len(seen[b]), tables[b]) for b, n in shares], decoding)
        total = step.starts[-1]
        query, new = torch.randn(total, 6, 8), torch.randn(total, 2, 2, 8)
        scale = rng.choice([None, 0.7])
        for layer in range(2):
            answer = paged.at(step).attend(layer, query, new[:, layer], new[:, 1 - layer], scale)
        for (b, _), part in zip(shares, map(slice, step.starts, step.starts[1:]), strict=True):
            seen[b] = torch.cat((seen[b], new[part]))
            wanted = plain(query[part], seen[b][:, 1], seen[b][:, 0], scale or 8**-0.5)
            torch.testing.assert_close(answer[part], wanted, rtol=1e-4, atol=1e-5)


def test_the_layouts_are_those_that_the_kernels_read() -> None:
    portable, varlen = PagedCache(SHAPE, 5, 16), PagedCache(SHAPE, 5, 16, VarlenStep)
    assert (portable.blocks, portable.block_tokens, portable.shape) == (5, 16, SHAPE)
    assert [kept.shape for kept in portable.keys] == [(5, 2, 16, 8)] * 2
    assert [kept.shape for kept in varlen.values] == [(5, 16, 2, 8)] * 2


def test_the_gpu_path_is_tried_against_the_portable_one_and_left_where_it_fails() -> None:
    def without_block_tables(*_: Any, **__: Any) -> Tensor:
        raise RuntimeError("paged KV (block_table) not supported")

    class Fails(VarlenStep):
        kernel = staticmethod(without_block_tables)

    class Differs(VarlenStep):
        kernel = staticmethod(lambda query, *_, **__: query)

    assert agrees(SHAPE, 16, StandInStep)
    assert not agrees(SHAPE, 16, Fails)
    assert not agrees(SHAPE, 16, Differs)
    assert attention_on(SHAPE, 16) is PortableStep
    assert block_tokens_on(torch.device("cuda")) == 256  # what FlashAttention 2 reads
    assert block_tokens_on(SHAPE.device) == 32


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
def test_a_cache_that_nobody_writes_to_takes_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    paged = PagedCache(SHAPE, 400_000, 32)
    assert paged.keys[0].nbytes > 800_000_000
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 50_000
