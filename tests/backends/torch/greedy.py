"""Greedy decoding by hand: steps are laid out here as the engine lays them out, for the tests."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from backends.torch.decoder import Decoder, Step
from backends.torch.models.cache import PagedCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backends.torch.models.attention import PagedStep


@dataclass
class Running:
    """A sequence: its tokens so far, how many of them are in the cache, and its blocks."""

    tokens: list[int]
    ends: int
    computed: int = 0
    blocks: list[int] = field(default_factory=list)


def step_of(pieces: Sequence[tuple[Sequence[int], int, list[int]]], decoding: int) -> Step:
    """The step of (tokens, how many came before, blocks), each wanted at its last token."""
    starts = [0]
    lengths: list[int] = []
    positions: list[int] = []
    ids: list[int] = []
    for tokens, before, _ in pieces:
        ids += list(tokens)
        positions += range(before, before + len(tokens))
        starts.append(len(ids))
        lengths.append(before + len(tokens))
    width = max(len(blocks) for _, _, blocks in pieces)
    return Step(
        token_ids=torch.tensor(ids),
        positions=torch.tensor(positions, dtype=torch.int32),
        block_tables=torch.tensor(
            [blocks + [0] * (width - len(blocks)) for _, _, blocks in pieces], dtype=torch.int32
        ),
        wanted=torch.tensor([start - 1 for start in starts[1:]]),
        starts=starts,
        lengths=lengths,
        decoding=decoding,
    )


class Greedy:
    """Runs prompts together, each token the likeliest; blocks are dealt out in random order."""

    def __init__(
        self, decoder: Decoder, blocks: int = 64, block_tokens: int = 4, seed: int = 0
    ) -> None:
        self.decoder = decoder
        self.cache = PagedCache(decoder.shape, blocks, block_tokens)
        for kept in (*self.cache.keys, *self.cache.values):
            kept.fill_(torch.nan)  # what nobody wrote must not be read
        self.free = list(range(blocks))
        random.Random(seed).shuffle(self.free)
        self.steps = 0

    def run(
        self, prompts: Sequence[Sequence[int]], new_tokens: int, chunk: int = 10_000
    ) -> list[list[int]]:
        """The tokens that follow each prompt; prompts are computed by `chunk` tokens a step."""
        runs = [Running(list(prompt), len(prompt) + new_tokens) for prompt in prompts]
        while going := [run for run in runs if len(run.tokens) < run.ends]:
            decoding = [run for run in going if len(run.tokens) - run.computed == 1]
            budget, filling = chunk, []
            for run in going:
                if run not in decoding and budget:
                    share = min(budget, len(run.tokens) - run.computed)
                    budget -= share
                    filling.append((run, share))
            self._step([*((run, 1) for run in decoding), *filling], len(decoding))
        for run in runs:
            self.free += run.blocks
        return [run.tokens[-new_tokens:] for run in runs]

    def _step(self, shares: list[tuple[Running, int]], decoding: int) -> None:
        pieces = []
        for run, share in shares:
            while len(run.blocks) * self.cache.block_tokens < run.computed + share:
                run.blocks.append(self.free.pop())
            pieces.append(
                (run.tokens[run.computed : run.computed + share], run.computed, run.blocks)
            )
        step = step_of(pieces, decoding)
        cache: PagedStep = self.cache.at(step)
        logits = self.decoder.forward(step.token_ids, step.positions, cache)  # [L, V]
        for (run, share), row in zip(shares, logits, strict=True):
            run.computed += share
            if run.computed == len(run.tokens):
                run.tokens.append(int(row.argmax()))
        self.steps += 1
