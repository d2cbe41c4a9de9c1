"""A few tokens run before anything is served, through the paged cache.

Does a model of transformers attend to it as it would by itself? Does one's own run at all?
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from backends.torch.decoder import Step
from backends.torch.models.cache import PagedCache

if TYPE_CHECKING:
    from torch import Tensor

    from backends.torch.decoder import Decoder, Shape
    from backends.torch.models.causal_lm import CausalLM

BLOCK_TOKENS = 4
TABLES = [[6, 2, 4], [1, 5, 3]]
LENGTHS = [7, 12]
# Each step's (sequence, tokens): whole prompts, pieces, and decoding beside a piece.
STEPS = [[(0, 5), (1, 8)], [(0, 1), (1, 3)], [(0, 1), (1, 1)]]
# The part of the logits' length that rounding may take up, for numbers of so many bits.
TOLERANCE = {torch.float32: 1e-4, torch.float16: 0.01, torch.bfloat16: 0.05}


def compare(decoder: CausalLM) -> None:
    """Nothing, if the two ways agree.

    Raises:
        ValueError: they do not: the model depends on what a paged cache does not hold.
    """
    texts = _texts(decoder.shape)
    expected = torch.cat([decoder.reference(text) for text in texts]).float()  # [T, V]
    found = torch.cat(_paged(decoder, texts)).float()
    off = float((found - expected).norm() / expected.norm())
    if not off <= TOLERANCE.get(decoder.shape.dtype, 1e-4):
        raise ValueError(
            f"with a paged cache its logits are not its own ({off:.1%} off), so it cannot be run"
        )


@torch.inference_mode()
def run(decoder: Decoder) -> None:
    """Nothing, if a decoder of one's own gives a row of logits for each that is wanted.

    Raises:
        ValueError: it gives something else; what it raises itself goes through.
    """
    shape = decoder.shape
    for text, rows in zip(texts := _texts(shape), _paged(decoder, texts), strict=True):
        if rows.shape != (len(text), shape.vocabulary):
            raise ValueError(
                f"it gives logits {list(rows.shape)}, not {[len(text), shape.vocabulary]}"
            )


def _texts(shape: Shape) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randint(shape.vocabulary, (length,), generator=generator).to(shape.device)
        for length in LENGTHS
    ]


def _paged(decoder: Decoder, texts: list[Tensor]) -> list[Tensor]:
    """The logits [T, V] of each text, its tokens run in several steps."""
    paged = PagedCache(decoder.shape, 8, BLOCK_TOKENS)
    done = [0] * len(texts)
    rows: list[list[Tensor]] = [[] for _ in texts]
    for shares in STEPS:
        ids = torch.cat([texts[b][done[b] : done[b] + share] for b, share in shares])
        positions = [place for b, share in shares for place in range(done[b], done[b] + share)]
        starts = [0]
        for b, share in shares:
            starts.append(starts[-1] + share)
            done[b] += share
        step = Step(
            token_ids=ids,
            positions=torch.tensor(positions, dtype=torch.int32, device=ids.device),
            block_tables=torch.tensor(TABLES, dtype=torch.int32, device=ids.device),
            wanted=torch.arange(len(ids), device=ids.device),
            starts=starts,
            lengths=list(done),
            decoding=sum(share == 1 for _, share in shares),
        )
        logits = decoder.forward(ids, step.positions, paged.at(step))
        for index, (b, _) in enumerate(shares):
            rows[b].append(logits[starts[index] : starts[index + 1]])
    return [torch.cat(parts) for parts in rows]
