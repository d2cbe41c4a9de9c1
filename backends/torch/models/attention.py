"""Paged attention in plain torch; it runs on any device.

Blocks are gathered into one tensor for sequences of about the same length, and the query heads
that share a key head stand as rows of one query: no head is copied.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import scaled_dot_product_attention

if TYPE_CHECKING:
    from torch import Tensor

    from backends.torch.decoder import Shape, Step
    from backends.torch.models.cache import PagedCache


class PagedStep(ABC):
    """The paged cache as a decoder sees it at one step. One class is one way to attend.

    `turns` are the cosines and sines of the step's tokens, once a layer has asked for them.
    """

    turns: tuple[Tensor, Tensor] | None = None

    def __init__(self, paged: PagedCache, step: Step) -> None:
        self.paged = paged
        self.step = step

    @staticmethod
    def room(shape: Shape, blocks: int, block_tokens: int) -> Tensor:
        """One layer's keys, or its values, with nothing in them: [N, K, S, D]."""
        sizes = (blocks, shape.kv_heads, block_tokens, shape.head_size)
        return torch.empty(sizes, dtype=shape.dtype, device=shape.device)

    @abstractmethod
    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """See `Cache.attend`."""


@dataclass(slots=True)
class Group:
    """Sequences with one token each, of about the same length, in [n K M] blocks."""

    rows: Tensor | slice  # of the step's tokens, n of them
    blocks: Tensor  # [n K M], of all heads' blocks [N K, S, D]
    longest: int
    mask: Tensor | None  # [n, 1, 1, longest], None where all are as long


@dataclass(slots=True)
class Piece:
    """Tokens from `start` to `end` of one prompt, in [K M] blocks if others came before."""

    start: int
    end: int
    length: int
    blocks: Tensor | None  # [K M]
    mask: Tensor | None  # [n, length]


@dataclass(slots=True)
class Plan:
    """Where a step's keys and values go, and who looks at what: the same for every layer."""

    slots: Tensor  # [T K], of all heads' slots [N K S, D]
    begun: Tensor | None  # blocks that may be left with a tail
    groups: list[Group]
    pieces: list[Piece]


class PortableStep(PagedStep):
    """Attention by gathered blocks and `scaled_dot_product_attention`."""

    _plan: Plan | None = None

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        """See `Cache.attend`."""
        plan = self._plan = self._plan or make_plan(self.paged, self.step)
        keys, values = self.paged.keys[layer], self.paged.values[layer]
        for kept, new in ((keys, key), (values, value)):
            if plan.begun is not None:
                kept.index_fill_(0, plan.begun, 0)
            rows = kept.view(-1, kept.shape[-1])
            rows.index_copy_(0, plan.slots, new.reshape(-1, kept.shape[-1]))
        if len(plan.groups) == 1 and not plan.pieces:
            return _decode(plan.groups[0], query, keys, values, scale)
        answer = query.new_empty(query.shape)
        for group in plan.groups:
            answer[group.rows] = _decode(group, query[group.rows], keys, values, scale)
        for piece in plan.pieces:
            part = slice(piece.start, piece.end)
            old = (keys, values) if piece.blocks is not None else (key[part], value[part])
            answer[part] = _prefill(piece, query[part], *old, scale)
        return answer


def _decode(
    group: Group, query: Tensor, keys: Tensor, values: Tensor, scale: float | None
) -> Tensor:
    """The answer for one token of each sequence, [n, H, D]."""
    n, heads, size = query.shape
    kv_heads = keys.shape[1]
    key, value = (
        _gather(kept, group.blocks).view(n, kv_heads, -1, size)[:, :, : group.longest]
        for kept in (keys, values)
    )
    answer = scaled_dot_product_attention(
        query.reshape(n, kv_heads, heads // kv_heads, size),
        key,
        value,
        attn_mask=group.mask,
        scale=scale,
    )
    return answer.reshape(n, heads, size)


def _prefill(
    piece: Piece, query: Tensor, keys: Tensor, values: Tensor, scale: float | None
) -> Tensor:
    """The answer for a piece of one prompt, [n, H, D]."""
    if piece.blocks is not None:
        kv_heads, size = keys.shape[1], keys.shape[3]
        key, value = (
            _gather(kept, piece.blocks).view(kv_heads, -1, size)[:, : piece.length]
            for kept in (keys, values)
        )  # [K, length, D]
    else:
        key, value = keys.transpose(0, 1), values.transpose(0, 1)  # [K, n, D]
    answer = scaled_dot_product_attention(
        query.transpose(0, 1).unsqueeze(0),
        key.unsqueeze(0),
        value.unsqueeze(0),
        attn_mask=piece.mask,
        is_causal=piece.blocks is None,
        scale=scale,
        enable_gqa=True,
    )
    return answer[0].transpose(0, 1)


def _gather(kept: Tensor, blocks: Tensor) -> Tensor:
    """The blocks' slots [len(blocks), S D], copied a block at a time."""
    return kept.view(kept.shape[0] * kept.shape[1], -1).index_select(0, blocks)


def make_plan(paged: PagedCache, step: Step) -> Plan:
    """The plan of a step."""
    counts = [end - start for start, end in pairwise(step.starts)]
    device = step.positions.device
    owners = torch.repeat_interleave(
        torch.arange(len(counts), device=device), torch.tensor(counts, device=device)
    )  # [T]
    blocks, within = step.positions // paged.block_tokens, step.positions % paged.block_tokens
    heads = torch.arange(paged.shape.kv_heads, device=device)
    blocks = step.block_tables[owners, blocks.long()].long()  # [T]
    slots = (blocks[:, None] * len(heads) + heads) * paged.block_tokens + within[:, None]  # [T, K]
    return Plan(
        slots=slots.flatten(),
        begun=_begun(paged, step, counts),
        groups=_groups(paged, step),
        pieces=[_piece(paged, step, b) for b in range(step.decoding, len(counts))],
    )


def _begun(paged: PagedCache, step: Step, counts: list[int]) -> Tensor | None:
    """The last block of each sequence that begins it in this step.

    They are cleared: a group masks what is behind its shorter sequences, but a masked NaN that
    another sequence left there would still spoil the sum.
    """
    last = [(length - 1) // paged.block_tokens for length in step.lengths]
    begin = [
        b
        for b, block in enumerate(last)
        if block * paged.block_tokens >= step.lengths[b] - counts[b]
    ]
    if not begin:
        return None
    return step.block_tables[begin, [last[b] for b in begin]].long()


def _groups(paged: PagedCache, step: Step) -> list[Group]:
    """The decoding sequences by the power of two of their blocks: under half is padding."""
    classes: dict[int, list[int]] = {}
    for b in range(step.decoding):
        blocks = -(-step.lengths[b] // paged.block_tokens)
        classes.setdefault(blocks.bit_length(), []).append(b)
    groups = []
    for members in classes.values():
        whole = len(members) == step.decoding
        rows = torch.tensor(members, device=step.positions.device)
        tables = step.block_tables[: step.decoding] if whole else step.block_tables[rows]
        lengths = [step.lengths[b] for b in members]
        groups.append(_group(paged, slice(0, step.decoding) if whole else rows, tables, lengths))
    return groups


def _group(paged: PagedCache, rows: Tensor | slice, tables: Tensor, lengths: list[int]) -> Group:
    longest = max(lengths)
    width = -(-longest // paged.block_tokens)
    tables = tables[:, :width]
    if min(lengths) == longest:
        return Group(rows, _of_heads(paged, tables), longest, mask=None)
    device = tables.device
    places = torch.arange(longest, device=device)
    ends = torch.tensor(lengths, device=device).unsqueeze(1)  # [n, 1]
    mask = torch.zeros((len(lengths), longest), dtype=paged.shape.dtype, device=device)
    mask.masked_fill_(places >= ends, -torch.inf)
    # Padding looks at the sequence's own first block, never at another's: see `_begun`.
    own = places[:width] * paged.block_tokens < ends
    tables = torch.where(own, tables, tables[:, :1])
    return Group(rows, _of_heads(paged, tables), longest, mask[:, None, None])


def _piece(paged: PagedCache, step: Step, b: int) -> Piece:
    start, end, length = step.starts[b], step.starts[b + 1], step.lengths[b]
    if length == end - start:
        return Piece(start, end, length, blocks=None, mask=None)
    width = -(-length // paged.block_tokens)
    blocks = _of_heads(paged, step.block_tables[b : b + 1, :width])
    places = torch.arange(length, device=blocks.device)
    mask = torch.zeros((end - start, length), dtype=paged.shape.dtype, device=blocks.device)
    mask.masked_fill_(places > step.positions[start:end, None], -torch.inf)
    return Piece(start, end, length, blocks, mask)


def _of_heads(paged: PagedCache, tables: Tensor) -> Tensor:
    """The blocks of tables [n, M], head by head: [n K M] rows of [N K, S, D]."""
    heads = torch.arange(paged.shape.kv_heads, device=tables.device)[:, None]  # [K, 1]
    return (tables[:, None].long() * len(heads) + heads).flatten()
