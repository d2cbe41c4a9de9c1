"""Attention at one step by the kernels.

With a matrix unit, and heads of a multiple of 32, they do all of it. Otherwise they take tokens one
by one, a token of a prompt as one that decodes, once all are kept; torch is quicker at long pieces
of prompts then.
"""

from __future__ import annotations

from ctypes import byref
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from backends.torch.decoder import Step
from backends.torch.kernels.binding import StepView
from backends.torch.models.attention import PagedStep, PortableStep

if TYPE_CHECKING:
    from torch import Tensor

    from backends.torch.kernels.load import Kernels
    from backends.torch.models.ops import Rotary

LARGEST_HEAD = 256
TILE = 32
"""Heads and blocks have a multiple of it where the matrix unit attends to prompts."""
LONG = 128 * 128
"""Tokens of a prompt's piece times those that they look at: beyond, torch's tiles are quicker."""


def attends(head_size: int) -> bool:
    """Whether the kernels know heads of this size."""
    return head_size <= LARGEST_HEAD and head_size % 2 == 0


class Attention:
    """Attention at one step of a cache whose layers are [N, K, S, D]."""

    def __init__(self, kernels: Kernels, cache: PagedStep, rotary: Rotary) -> None:
        shape, whole = cache.paged.shape, kernels.tiles and _tiled(cache)
        step = cache.step if whole else rows_of(cache.step) or cache.step
        assert step.positions.dtype == step.block_tables.dtype == torch.int32  # noqa: S101 # our own bug
        self.cache = cache
        self._library = kernels.library
        self._decoding = step.decoding
        self._heads, self._kv_heads, self._size = shape.heads, shape.kv_heads, shape.head_size
        self._threads = torch.get_num_threads()
        # The view points into these.
        starts = torch.tensor(step.starts, dtype=torch.int32)
        self._kept = step.positions.contiguous(), step.block_tables.contiguous(), starts, rotary
        self.view = StepView(
            positions=self._kept[0].data_ptr(),
            tables=self._kept[1].data_ptr(),
            starts=starts.data_ptr(),
            cos=rotary.cos.data_ptr(),
            sin=rotary.sin.data_ptr(),
            decoding=step.decoding,
            sequences=len(step.lengths) if whole else step.decoding,
            blocks=step.block_tables.shape[1],
            heads=shape.heads,
            kv_heads=shape.kv_heads,
            size=shape.head_size,
            block_tokens=cache.paged.block_tokens,
            longest=max(step.lengths[: step.decoding], default=0),
            scale=shape.head_size**-0.5,
            shared=step is not cache.step,
        )
        self._step = byref(self.view)
        self.room = torch.empty(self._library.attend_room(self._step), dtype=torch.uint8)
        self._prompts = None if whole or step is not cache.step else _prompts(cache)

    @property
    def whole(self) -> bool:
        """Whether the kernels do all of it."""
        return self._prompts is None

    def __call__(self, qkv: Tensor, layer: int) -> Tensor:
        """[T, (H + 2 K) D] to [T, H D]; queries and keys are turned where they are."""
        out = torch.empty(qkv.shape[0], self._heads * self._size, dtype=torch.bfloat16)
        paged = self.cache.paged
        self._library.attend(
            self._step,
            qkv.data_ptr(),
            paged.keys[layer].data_ptr(),
            paged.values[layer].data_ptr(),
            self.room.data_ptr(),
            out.data_ptr(),
            self._threads,
        )
        if self._prompts is not None:
            out[self._decoding :] = self._prompted(self._prompts, qkv, layer)
        return out

    def _prompted(self, prompts: PortableStep, qkv: Tensor, layer: int) -> Tensor:
        """The answers for the tokens of prompts, which stand behind those that decode."""
        first, tokens = self._decoding, qkv.shape[0]
        self._library.rotate_rows(self._step, qkv.data_ptr(), first, tokens, self._threads)
        heads = qkv[first:].view(tokens - first, -1, self._size)  # [T, H + 2 K, D]
        query, key, value = torch.split(heads, [self._heads, self._kv_heads, self._kv_heads], 1)
        return prompts.attend(layer, query, key, value).reshape(tokens - first, -1)


def _tiled(cache: PagedStep) -> bool:
    """Whether the matrix unit takes prompts with heads and blocks of these sizes."""
    return cache.paged.shape.head_size % TILE == 0 and cache.paged.block_tokens % TILE == 0


def rows_of(step: Step) -> Step | None:
    """A step with prompts as one whose tokens all stand alone; None without, or with a long one."""
    counts = [end - start for start, end in pairwise(step.starts)]
    sizes = [count * length for count, length in zip(counts, step.lengths, strict=True)]
    if len(counts) == step.decoding or max(sizes[step.decoding :]) > LONG:
        return None
    lengths = step.positions + 1
    return Step(
        token_ids=step.token_ids,
        positions=step.positions,
        block_tables=step.block_tables.repeat_interleave(torch.tensor(counts), 0),
        wanted=step.wanted,
        starts=list(range(len(step.token_ids) + 1)),
        lengths=lengths.tolist(),
        decoding=len(step.token_ids),
    )


def _prompts(cache: PagedStep) -> PortableStep | None:
    """The step's pieces of prompts as a step of their own."""
    step, first = cache.step, cache.step.decoding
    if first == len(step.lengths):
        return None
    pieces = Step(
        token_ids=step.token_ids[first:],
        positions=step.positions[first:],
        block_tables=step.block_tables[first:],
        wanted=step.wanted,
        starts=[start - first for start in step.starts[first:]],
        lengths=step.lengths[first:],
        decoding=0,
    )
    return PortableStep(cache.paged, pieces)
