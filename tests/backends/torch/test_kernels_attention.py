"""Attention on the kernels against float32 torch, in caches of shuffled blocks."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from backends.torch.decoder import Shape, Step
from backends.torch.kernels.load import Kernels
from backends.torch.kernels.ops import FastOps
from backends.torch.models.attention import PortableStep
from backends.torch.models.cache import PagedCache
from backends.torch.models.ops import Rotary
from tests.backends.torch.compiled import kernels_of, off, some

CONTEXT = 3072
THREADS = st.sampled_from([1, 2])
FAR = 0.01  # some roundings of bfloat16


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    return kernels_of(tmp_path_factory)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Room:
    """A cache of one layer whose sequences have `lengths` tokens; `new` of them come in a step."""

    def __init__(
        self, kv_heads: int, ratio: int, size: int, lengths: list[int], new: list[int]
    ) -> None:
        self.kv_heads, self.heads, self.size = kv_heads, kv_heads * ratio, size
        self.lengths, self.new = lengths, new
        needs = [-(-length // 32) for length in lengths]
        shape = Shape(
            *(1, self.heads, kv_heads, size, 1, CONTEXT), torch.bfloat16, torch.device("cpu")
        )
        self.paged = PagedCache(shape, sum(needs) + 1)
        for seed, kept in enumerate((self.paged.keys[0], self.paged.values[0])):
            kept.copy_(some(seed, *kept.shape))
        order = torch.randperm(sum(needs) + 1, generator=torch.Generator().manual_seed(0)).int()
        self.tables = torch.zeros(len(lengths), max(needs), dtype=torch.int32)
        for b, end in enumerate(accumulate(needs)):
            self.tables[b, : needs[b]] = order[end - needs[b] : end]
        angles = torch.outer(torch.arange(CONTEXT), 1e4 ** -(torch.arange(0, size, 2) / size))
        self.rotary = Rotary(angles.cos(), angles.sin())
        self.qkv = some(3, sum(new), (self.heads + 2 * kv_heads) * size)

    def found(self, ops: FastOps) -> torch.Tensor:
        starts = [0, *accumulate(self.new)]
        positions = [
            p for n, end in zip(self.new, self.lengths, strict=True) for p in range(end - n, end)
        ]
        step = Step(
            token_ids=torch.zeros(starts[-1], dtype=torch.int64),
            positions=torch.tensor(positions, dtype=torch.int32),
            block_tables=self.tables,
            wanted=torch.arange(starts[-1]),
            starts=starts,
            lengths=self.lengths,
            decoding=[*self.new, 0, 2].index(next(n for n in [*self.new, 0] if n != 1)),
        )
        return ops.attention(self.qkv.clone(), 0, PortableStep(self.paged, step), self.rotary)

    def expected(self) -> torch.Tensor:
        """The answer in float32, by one sequence after the other. The cache holds the step's."""
        rows = self.qkv.float().view(len(self.qkv), -1, self.size)
        answers, start = [], 0
        for b, (length, new) in enumerate(zip(self.lengths, self.new, strict=True)):
            query = self._turned(rows[start : start + new, : self.heads], length)
            key, value = (
                self.kept(kept[0], b)[:, :length] for kept in (self.paged.keys, self.paged.values)
            )
            mask = torch.ones(new, length, dtype=torch.bool).tril(length - new)
            answer = scaled_dot_product_attention(
                query.transpose(0, 1)[None], key[None], value[None], mask, enable_gqa=True
            )
            answers.append(answer[0].transpose(0, 1).reshape(new, -1))
            start += new
        return torch.cat(answers)

    def kept(self, kept: torch.Tensor, b: int) -> torch.Tensor:
        """What a sequence has in the cache, [K, length, D] float32."""
        blocks = kept[self.tables[b].long()].float()  # [M, K, S, D]
        return blocks.transpose(0, 1).reshape(self.kv_heads, -1, self.size)

    def _turned(self, heads: torch.Tensor, length: int) -> torch.Tensor:
        """Heads turned by position, and rounded as every tier rounds them there."""
        at = torch.arange(length - len(heads), length)
        cos, sin = self.rotary.cos[at, None], self.rotary.sin[at, None]
        a, b = heads.chunk(2, -1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).bfloat16().float()

    def new_keys(self, b: int) -> torch.Tensor:
        """The key that the b-th sequence, of one new token, is to have kept, [K, D] float32."""
        row = self.qkv.float().view(len(self.qkv), -1, self.size)[b : b + 1]
        return self._turned(row[:, self.heads : self.heads + self.kv_heads], self.lengths[b])[0]


@settings(max_examples=25, deadline=None)
@given(
    threads=THREADS,
    kv_heads=st.integers(1, 3),
    ratio=st.sampled_from([1, 3, 4, 8]),
    size=st.sampled_from([64, 128]),
    lengths=st.lists(st.integers(1, 600), min_size=1, max_size=4),
)
@example(threads=2, kv_heads=3, ratio=3, size=64, lengths=[3000, 1, 512, 513])
@example(threads=2, kv_heads=1, ratio=8, size=128, lengths=[32, 33, 1024, 1025])
@example(threads=2, kv_heads=2, ratio=5, size=80, lengths=[100, 31])
@example(threads=2, kv_heads=1, ratio=1, size=256, lengths=[600])
@example(threads=2, kv_heads=2, ratio=2, size=8, lengths=[40, 1])
def test_a_decoding_token_sees_its_sequence_and_no_other(
    kernels: Kernels, *, threads: int, kv_heads: int, ratio: int, size: int, lengths: list[int]
) -> None:
    torch.set_num_threads(threads)
    room = Room(kv_heads, ratio, size, lengths, [1] * len(lengths))
    found = room.found(FastOps(kernels))
    assert off(found, room.expected()) < FAR
    for b, length in enumerate(lengths):
        kept = room.kept(room.paged.keys[0], b)[:, length - 1]
        assert off(kept, room.new_keys(b)) < FAR


def test_a_query_that_is_no_number_gives_none(kernels: Kernels) -> None:
    room = Room(1, 2, 64, [70, 32], [1, 1])
    room.qkv[0, :64] = torch.nan  # the first head's query
    found = room.found(FastOps(kernels)).view(2, 2, 64)
    assert found[0, 0].isnan().all()
    assert found[0, 1].isfinite().all()
    assert found[1].isfinite().all()


def test_values_are_kept_as_they_are(kernels: Kernels) -> None:
    room = Room(3, 3, 64, [70, 32], [1, 1])
    room.found(FastOps(kernels))
    for b, length in enumerate(room.lengths):
        new = room.qkv.view(2, -1, 64)[b, room.heads + room.kv_heads :]
        assert torch.equal(room.kept(room.paged.values[0], b)[:, length - 1], new.float())


def test_nothing_else_in_the_cache_is_touched(kernels: Kernels) -> None:
    room = Room(3, 3, 64, [70, 32], [1, 1])
    before = room.paged.keys[0].clone()
    room.found(FastOps(kernels))
    changed = (room.paged.keys[0] != before).any(-1).nonzero().tolist()  # [[block, head, slot]]
    slots = [(int(room.tables[0, 2]), 5), (int(room.tables[1, 0]), 31)]
    assert {(block, slot) for block, _, slot in changed} == set(slots)


def test_what_is_behind_a_sequence_cannot_spoil_it(kernels: Kernels) -> None:
    room = Room(3, 3, 64, [70], [1])
    for kept in (room.paged.keys[0], room.paged.values[0]):
        kept[int(room.tables[0, 2]), :, 6:] = torch.nan
    assert off(room.found(FastOps(kernels)), room.expected()) < FAR


def test_scores_far_apart_neither_overflow_nor_vanish(kernels: Kernels) -> None:
    room = Room(1, 1, 64, [1500], [1])
    room.paged.keys[0].mul_(50)
    assert off(room.found(FastOps(kernels)), room.expected()) < FAR


@pytest.mark.parametrize("tiles", [True, False], ids=["tiles", "no tiles"])
@pytest.mark.parametrize("new", [[1, 1, 9], [1, 70], [40], [32, 7], [1, 200]])
def test_prompts_and_decoding_tokens_go_together(
    kernels: Kernels, new: list[int], *, tiles: bool
) -> None:
    lengths = [count + 50 * (b % 2) for b, count in enumerate(new)]
    room = Room(3, 3, 64, lengths, new)
    ops = FastOps(replace(kernels, tiles=tiles and kernels.tiles))
    assert off(room.found(ops), room.expected()) < FAR


@settings(max_examples=25, deadline=None)
@given(
    threads=THREADS,
    kv_heads=st.integers(1, 3),
    ratio=st.sampled_from([1, 3, 4, 7]),
    size=st.sampled_from([32, 64, 96, 128]),
    pieces=st.lists(st.tuples(st.integers(2, 300), st.integers(0, 300)), min_size=1, max_size=3),
)
@example(threads=2, kv_heads=3, ratio=3, size=64, pieces=[(500, 1100), (2, 1)])
@example(threads=2, kv_heads=1, ratio=1, size=256, pieces=[(300, 213)])
@example(threads=2, kv_heads=1, ratio=33, size=64, pieces=[(3, 255), (2, 256)])
@example(threads=2, kv_heads=2, ratio=2, size=40, pieces=[(50, 10)])
def test_a_piece_of_a_prompt_sees_what_came_before_and_no_other(
    kernels: Kernels,
    *,
    threads: int,
    kv_heads: int,
    ratio: int,
    size: int,
    pieces: list[tuple[int, int]],
) -> None:
    torch.set_num_threads(threads)
    new = [count for count, _ in pieces]
    room = Room(kv_heads, ratio, size, [count + before for count, before in pieces], new)
    assert off(room.found(FastOps(kernels)), room.expected()) < FAR


def test_a_prompt_is_not_spoilt_by_what_is_behind_it(kernels: Kernels) -> None:
    room = Room(3, 3, 64, [70], [50])
    for kept in (room.paged.keys[0], room.paged.values[0]):
        kept[int(room.tables[0, 2]), :, 6:] = torch.nan
    assert off(room.found(FastOps(kernels)), room.expected()) < FAR


def test_a_prompts_scores_far_apart_neither_overflow_nor_vanish(kernels: Kernels) -> None:
    room = Room(1, 1, 64, [900], [400])
    room.paged.keys[0].mul_(50)
    assert off(room.found(FastOps(kernels)), room.expected()) < FAR


def test_a_prompt_in_pieces_gives_what_it_gives_whole(kernels: Kernels) -> None:
    ops = FastOps(kernels)
    whole = Room(3, 3, 64, [600], [600])
    expected = whole.found(ops)
    parts = Room(3, 3, 64, [600], [600])
    for begin, end in ((0, 70), (70, 301), (301, 600)):
        part = Room(3, 3, 64, [end], [end - begin])
        part.paged, part.tables = parts.paged, parts.tables
        part.qkv = parts.qkv[begin:end]
        assert torch.equal(part.found(ops), expected[begin:end])


def test_a_next_step_of_the_same_sizes_is_another_step(kernels: Kernels) -> None:
    ops = FastOps(kernels)
    for lengths in ([70, 32], [71, 33]):
        room = Room(3, 3, 64, lengths, [1, 1])
        assert off(room.found(ops), room.expected()) < FAR
