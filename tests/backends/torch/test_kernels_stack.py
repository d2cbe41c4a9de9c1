"""All layers in one call compute what their operations one by one do."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

import pytest
import torch

from backends.torch.decoder import Cache, Shape, Step
from backends.torch.kernels.load import Kernels
from backends.torch.kernels.ops import FastOps
from backends.torch.kernels.stack import Stack
from backends.torch.models.attention import PortableStep
from backends.torch.models.cache import PagedCache
from backends.torch.models.ops import Linear, Rotary
from backends.torch.models.portable import PortableOps
from tests.backends.torch.compiled import kernels_of, off, some

LAYERS, HIDDEN, INNER, HEADS, KV_HEADS, SIZE = 3, 128, 192, 4, 2, 64
EPS = 1e-5


class Layer:
    """A small layer, of random numbers that keep their size."""

    def __init__(
        self, ops: FastOps, seed: int, *, head_norm: bool = False, hidden: int = HIDDEN
    ) -> None:
        def linear(at: int, outs: int, ins: int) -> Linear:
            return ops.linear(some(seed * 10 + at, outs, ins) * ins**-0.5, some(seed, outs))

        self.qkv = linear(0, (HEADS + 2 * KV_HEADS) * SIZE, hidden)
        self.output = linear(1, hidden, HEADS * SIZE)
        self.gate_up = linear(2, 2 * INNER, hidden)
        self.down = linear(3, hidden, INNER)
        self.attention_norm = some(seed, hidden)
        self.mlp_norm = some(seed + 1, hidden)
        self.head_norm = some(seed + 2, HEADS + KV_HEADS, SIZE) if head_norm else None


def at_step(tokens: int, decoding: int) -> PortableStep:
    """A step whose sequences have 40, 41 … tokens, in a cache of other numbers."""
    shape = Shape(*(LAYERS, HEADS, KV_HEADS, SIZE, 1, 64), torch.bfloat16, torch.device("cpu"))
    paged = PagedCache(shape, 2 * tokens)
    for seed, kept in enumerate((*paged.keys, *paged.values)):
        kept.copy_(some(seed, *kept.shape))
    lengths = [40 + b for b in range(tokens)]
    return PortableStep(
        paged,
        Step(
            token_ids=torch.zeros(tokens, dtype=torch.int64),
            positions=torch.tensor(lengths, dtype=torch.int32) - 1,
            block_tables=torch.arange(2 * tokens).int().view(tokens, 2),
            wanted=torch.arange(tokens),
            starts=list(range(tokens + 1)),
            lengths=lengths,
            decoding=decoding,
        ),
    )


ANGLES = torch.outer(torch.arange(256.0), 0.7 ** torch.arange(SIZE / 2))
ROTARY = Rotary(ANGLES.cos(), ANGLES.sin())


def one_by_one(
    ops: FastOps, layers: list[Layer], x: torch.Tensor, cache: PortableStep
) -> torch.Tensor:
    delta = None
    for number, each in enumerate(layers):
        qkv = each.qkv(ops.add_rms_norm(x, delta, each.attention_norm, EPS))
        if each.head_norm is not None:
            normed = qkv.view(len(x), -1, SIZE)[:, : HEADS + KV_HEADS]
            normed.copy_(torch.rms_norm(normed.float(), (SIZE,), None, EPS) * each.head_norm)
        delta = each.output(ops.attention(qkv, number, cache, ROTARY))
        gate_up = each.gate_up(ops.add_rms_norm(x, delta, each.mlp_norm, EPS))
        delta = each.down(ops.silu_mul(gate_up))
    assert delta is not None
    return delta


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    return kernels_of(tmp_path_factory)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("tokens", [1, 4, 9])
@pytest.mark.parametrize("int8", [False, True], ids=["bf16", "int8"])
@pytest.mark.parametrize("head_norm", [False, True], ids=["plain", "heads normed"])
@pytest.mark.parametrize("tiles", [False, True], ids=["vectors", "tiles"])
def test_it_computes_what_the_operations_do(
    kernels: Kernels, tokens: int, int8: bool, head_norm: bool, tiles: bool
) -> None:
    if tiles and not kernels.tiles:
        pytest.skip("the processor has no AMX")
    ops = FastOps(Kernels(kernels.library, tiles), int8=int8)
    layers = [Layer(ops, seed, head_norm=head_norm) for seed in range(LAYERS)]
    stack = ops.stack(layers, ROTARY, EPS)
    assert stack is not None
    x = some(1, tokens, HIDDEN)
    grown, one, other = x.clone(), at_step(tokens, tokens), at_step(tokens, tokens)
    for _ in range(2):  # a second step finds its room made
        found = stack(grown, one)
        if tokens > 4 and not tiles and not int8:
            assert found is None  # oneDNN is quicker
            return
        expected = one_by_one(ops, layers, x, other)
        assert found is not None
        assert off(found, expected) < 0.01
        assert off(grown, x) < 0.01
        for mine, theirs in zip(one.paged.keys, other.paged.keys, strict=True):
            assert off(mine, theirs) < 0.01


class PromptsByTorch(FastOps):
    """The kernels, but for attention, which is the portable tier's."""

    def attention(
        self, qkv: torch.Tensor, layer: int, cache: Cache, rotary: Rotary
    ) -> torch.Tensor:
        return PortableOps().attention(qkv, layer, cache, rotary)


def with_prompts(pieces: list[tuple[int, int]]) -> PortableStep:
    """Two sequences that decode, then pieces of prompts: so many tokens, up to such a length."""
    counts, lengths = zip((1, 40), (1, 9), *pieces, strict=True)
    tokens, blocks = sum(counts), -(-max(lengths) // 32)
    shape = Shape(*(LAYERS, HEADS, KV_HEADS, SIZE, 1, 256), torch.bfloat16, torch.device("cpu"))
    paged = PagedCache(shape, blocks * len(counts))
    for seed, kept in enumerate((*paged.keys, *paged.values)):
        kept.copy_(some(seed, *kept.shape))
    order = torch.randperm(paged.blocks, generator=torch.Generator().manual_seed(3))
    positions = [
        torch.arange(length - count, length) for count, length in zip(counts, lengths, strict=True)
    ]
    step = Step(
        token_ids=torch.zeros(tokens, dtype=torch.int64),
        positions=torch.cat(positions).int(),
        block_tables=order.int().view(len(counts), blocks),
        wanted=torch.arange(tokens),
        starts=[0, *accumulate(counts)],
        lengths=list(lengths),
        decoding=2,
    )
    return PortableStep(paged, step)


@pytest.mark.parametrize("threads", [1, 2])
def test_pieces_of_prompts_see_what_comes_before_them_and_no_more(
    kernels: Kernels, threads: int
) -> None:
    torch.set_num_threads(threads)
    ops = FastOps(kernels)
    layers = [Layer(ops, seed) for seed in range(LAYERS)]
    stack = ops.stack(layers, ROTARY, EPS)
    assert stack is not None
    one, other = (with_prompts([(10, 30), (33, 33), (1, 70), (200, 230)]) for _ in range(2))
    x = some(1, 246, HIDDEN)
    grown = x.clone()
    found = stack(grown, one)
    if not kernels.tiles:
        assert found is None  # oneDNN is quicker for so many tokens
        return
    assert found is not None
    expected = one_by_one(PromptsByTorch(kernels), layers, x, other)
    assert off(found, expected) < 0.02
    assert off(grown, x) < 0.02
    # The portable tier clears what is behind a sequence's end in its last block: that is no one's.
    for b, length in enumerate(one.step.lengths):
        last = one.step.block_tables[b, (length - 1) // 32]
        here = slice(0, (length - 1) % 32 + 1)
        for mine, theirs in zip(one.paged.values, other.paged.values, strict=True):
            assert off(mine[last, :, here], theirs[last, :, here]) < 0.02


def test_a_long_piece_of_a_prompt_needs_the_matrix_unit(kernels: Kernels) -> None:
    ops = FastOps(replace(kernels, tiles=False))
    stack = ops.stack([Layer(ops, 0)], ROTARY, EPS)
    x = some(1, 202, HIDDEN)
    assert stack is not None
    assert stack(x, with_prompts([(200, 200)])) is None
    assert torch.equal(x, some(1, 202, HIDDEN))


def test_it_follows_to_another_cache(kernels: Kernels) -> None:
    ops = FastOps(kernels)
    stack = ops.stack([Layer(ops, 0)], ROTARY, EPS)
    assert stack is not None
    for _ in range(2):
        cache = at_step(2, 2)
        before = cache.paged.keys[0].clone()
        stack(some(1, 2, HIDDEN), cache)
        assert not torch.equal(cache.paged.keys[0], before)


def test_there_is_none_for_rows_that_need_filling_up(kernels: Kernels) -> None:
    ops = FastOps(kernels)
    odd = Layer(ops, 0, hidden=100)
    assert Stack.of(kernels, [odd], ROTARY, EPS) is None
