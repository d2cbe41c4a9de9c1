"""Whether the kernels compute what the portable tier does, on small random numbers.

Each loop and branch of native/ that a model can reach is run: few tokens and many, whole vectors
and rests, heads of each size that has code of its own, contexts of several pieces, all layers at
once. A number that is off by itself is found, for it is measured by its own row.
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import torch

from backends.torch.decoder import Shape, Step
from backends.torch.kernels.build import NoKernelsError, torch_openmp
from backends.torch.models.attention import PortableStep
from backends.torch.models.cache import PagedCache
from backends.torch.models.config import Config
from backends.torch.models.llama import Llama
from backends.torch.models.ops import Rotary
from backends.torch.models.tensors import EMBEDDING, NORM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from backends.torch.models.ops import Ops

    Result = tuple[str, torch.Tensor]

# Some roundings of bfloat16: of a number, in its row's root mean square, and of all of a result.
LARGEST_ERROR, LARGEST_DISTANCE = 0.15, 0.015
CONTEXT = 640
TOKENS = (1, 2, 3, 4, 6, 7, 21, 40)  # that a linear takes at once
HEADS = ((1, 64), (2, 64), (3, 64), (9, 64), (5, 128), (3, 80))  # to a key head, of such sizes
# (new tokens, length) of a step's sequences. None of them leaves the tail of a block that it
# began, which the portable tier clears.
DECODING = ((1, 530), (1, 5), (1, 70))
WITH_SHORT = ((1, 70), (1, 5), (10, 44))
WITH_LONG = ((1, 530), (1, 5), (60, 320))


class Numbers:
    """Random numbers, the same for every tier."""

    def __init__(self) -> None:
        self._generator = torch.Generator().manual_seed(0)

    def __call__(self, *sizes: int) -> torch.Tensor:
        """The next of them, normal, in bfloat16."""
        return torch.randn(*sizes, generator=self._generator).bfloat16()


@torch.inference_mode()
def check(ops: Ops, portable: Ops) -> None:
    """Raise NoKernelsError if an operation is off.

    Nearly all of it is on one thread: where other processes take the cores, a second one makes
    each of these many small operations wait milliseconds for it.
    """
    with _one_thread():
        _compare(_operations(ops, TOKENS, HEADS), _operations(portable, TOKENS, HEADS))
        _compare(_layers(ops), _layers(portable))
        expected = list(_operations(portable, TOKENS[:1], HEADS[:1], WITH_SHORT))
    _compare(_operations(ops, TOKENS[:1], HEADS[:1], WITH_SHORT), expected)


@contextmanager
def _one_thread() -> Iterator[None]:
    """This thread computes alone; torch's own setting would bind others that start meanwhile."""
    openmp, threads = ctypes.CDLL(str(torch_openmp())), torch.get_num_threads()
    openmp.omp_set_num_threads(1)
    try:
        yield
    finally:
        openmp.omp_set_num_threads(threads)


def _compare(found: Iterable[Result], expected: Iterable[Result]) -> None:
    for (name, mine), (_, theirs) in zip(found, expected, strict=True):
        exact = theirs.float()
        off, size = mine.float() - exact, exact.square().mean(-1, keepdim=True).sqrt()
        error, distance = float((off.abs() / size).max()), float(off.norm() / exact.norm())
        if not (error < LARGEST_ERROR and distance < LARGEST_DISTANCE):  # NaN is wrong too
            raise NoKernelsError(f"{name} is off by {distance:.3f}, a number by {error:.3f}")


def _operations(
    ops: Ops,
    counts: Sequence[int],
    heads: Sequence[tuple[int, int]],
    sequences: Sequence[tuple[int, int]] = WITH_LONG,
) -> Iterator[Result]:
    """What each operation gives: linears for such counts of tokens, attention for such heads."""
    some = Numbers()
    for ins, bias in ((200, some(210)), (128, None)):
        product = ops.linear(some(210, ins), bias)
        for tokens in counts:
            x = some(tokens, ins)
            x[:, :1] *= 32  # as models have it: what int8 leaves of the others is in the low bytes
            yield f"linear of {tokens}", product(x)
    for tokens in (3, 12):
        x = some(tokens, 200)
        yield "rms_norm", ops.add_rms_norm(x, None, some(200), 1e-5)
        yield "add_rms_norm", ops.add_rms_norm(x, some(tokens, 200), some(200), 1e-5)
        yield "add", x
        yield "silu_mul", ops.silu_mul(4 * some(tokens, 200))
    for ratio, size in heads:
        yield from _attention(ops, some, 2 * ratio, size, _step(sequences))


def _step(sequences: Sequence[tuple[int, int]]) -> Step:
    """The step of sequences, (new tokens, length), whose blocks lie in no order."""
    counts, lengths = zip(*sequences, strict=True)
    positions = [torch.arange(length - count, length) for count, length in sequences]
    needed = [-(-length // 32) for length in lengths]
    tables = torch.zeros(len(counts), max(needed), dtype=torch.int32)
    order = torch.randperm(sum(needed), generator=torch.Generator().manual_seed(1)).int()
    for b, (start, end) in enumerate(pairwise([0, *accumulate(needed)])):
        tables[b, : end - start] = order[start:end]
    return Step(
        token_ids=torch.arange(sum(counts)),
        positions=torch.cat(positions).int(),
        block_tables=tables,
        wanted=torch.arange(sum(counts)),
        starts=[0, *accumulate(counts)],
        lengths=list(lengths),
        decoding=counts.count(1),
    )


def _cache(some: Numbers, shape: Shape, step: Step) -> PortableStep:
    paged = PagedCache(shape, int(step.block_tables.max()) + 1)
    for kept in (*paged.keys, *paged.values):
        kept.copy_(some(*kept.shape))
    return PortableStep(paged, step)


def _attention(ops: Ops, some: Numbers, heads: int, size: int, step: Step) -> Iterator[Result]:
    """What a step with two key heads gives, and what it leaves in the cache."""
    shape = Shape(1, heads, 2, size, 1, CONTEXT, torch.bfloat16, torch.device("cpu"))
    cache = _cache(some, shape, step)
    angles = torch.outer(torch.arange(float(CONTEXT)), 0.7 ** torch.arange(size / 2))
    qkv = some(len(step.token_ids), (heads + 4) * size)
    name = f"attention of {heads} heads of {size}"
    yield name, ops.attention(qkv, 0, cache, Rotary(angles.cos(), angles.sin()))
    for kept in (*cache.paged.keys, *cache.paged.values):
        yield f"{name} to the cache", kept


def _layers(ops: Ops) -> Iterator[Result]:
    """The logits of a decoder of two layers."""
    some = Numbers()
    hidden, inner, heads, kv_heads, size, tokens = 128, 192, 4, 2, 64, 256
    weights = {EMBEDDING: some(tokens, hidden), NORM: some(hidden)}
    for layer in ("model.layers.0", "model.layers.1"):
        for name, outs, ins in (
            ("self_attn.q_proj", heads * size, hidden),
            ("self_attn.k_proj", kv_heads * size, hidden),
            ("self_attn.v_proj", kv_heads * size, hidden),
            ("self_attn.o_proj", hidden, heads * size),
            ("mlp.gate_proj", inner, hidden),
            ("mlp.up_proj", inner, hidden),
            ("mlp.down_proj", hidden, inner),
        ):
            weights[f"{layer}.{name}.weight"] = some(outs, ins) * ins**-0.5
            weights[f"{layer}.{name}.bias"] = some(outs)
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights[f"{layer}.{name}.weight"] = some(hidden)
        for name in ("q_norm", "k_norm"):
            weights[f"{layer}.self_attn.{name}.weight"] = some(size)
    rope = {"rope_type": "default", "rope_theta": 1e4}
    sizes = (hidden, inner, 2, heads, kv_heads, size, tokens, CONTEXT)
    config = Config(*sizes, eps=1e-5, rope=rope, tied=True, qkv_bias=True, head_norms=True)
    model = Llama(config, weights, ops)
    for step in map(_step, (DECODING, WITH_SHORT, WITH_LONG)):
        cache = _cache(some, model.shape, step)
        yield "all layers", model.forward(step.token_ids, step.positions, cache)
