"""A step cut into parts, computed one by one: no sequence's numbers depend on another's.

A matrix product rounds a row in other ways for other numbers of rows. So a part has rows of one
sequence, and as many as that sequence would have without company: one that decodes has its token,
a prompt has the tokens of a block, from the block's start.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backends.torch.decoder import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backends.torch.models.attention import PagedStep


@dataclass(slots=True)
class Part:
    """A part's rows of the step, its view of the cache, and which of the step's logits it has."""

    rows: slice
    cache: PagedStep
    logits: list[int]


@dataclass(slots=True)
class _Cut:
    """Rows of a step, the sequences that they are of, and the lengths of these once it is done."""

    rows: slice
    owners: slice
    lengths: list[int]
    decoding: int


def parts_of(cache: PagedStep, decoding: int = 1) -> list[Part]:
    """The parts of a step, in an order in which each finds in the cache what it looks at.

    So many decoding sequences share a part.
    """
    step = cache.step
    cuts = [*_decoding(step, decoding), *_prompts(step, cache.paged.block_tokens)]
    begins = [cut.rows.start for cut in cuts]
    places: list[list[int]] = [[] for _ in cuts]
    wanted: list[list[int]] = [[] for _ in cuts]
    for place, row in enumerate(step.wanted.tolist()):
        index = bisect_right(begins, row) - 1
        places[index].append(place)
        wanted[index].append(row - begins[index])
    return [
        Part(cut.rows, cache.paged.at(_step(step, cut, rows)), logits)
        for cut, rows, logits in zip(cuts, wanted, places, strict=True)
    ]


def _decoding(step: Step, most: int) -> Iterator[_Cut]:
    for start in range(0, step.decoding, most):
        rows = slice(start, min(start + most, step.decoding))
        yield _Cut(rows, rows, step.lengths[rows], rows.stop - start)


def _prompts(step: Step, block_tokens: int) -> Iterator[_Cut]:
    for b in range(step.decoding, len(step.lengths)):
        row, end, length = step.starts[b], step.starts[b + 1], step.lengths[b]
        while row < end:
            position = length - (end - row)
            stop = min(end, row + block_tokens - position % block_tokens)
            yield _Cut(slice(row, stop), slice(b, b + 1), [length - (end - stop)], 0)
            row = stop


def _step(step: Step, cut: _Cut, wanted: list[int]) -> Step:
    count = cut.rows.stop - cut.rows.start
    return Step(
        token_ids=step.token_ids[cut.rows],
        positions=step.positions[cut.rows],
        block_tables=step.block_tables[cut.owners],
        wanted=step.wanted.new_tensor(wanted),
        starts=list(range(count + 1)) if cut.decoding else [0, count],
        lengths=cut.lengths,
        decoding=cut.decoding,
    )
