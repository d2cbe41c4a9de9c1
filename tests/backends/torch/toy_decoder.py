"""A decoder whose next token depends on all that precede it, read back from the cache."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event

import torch
from torch import Tensor

from backends.torch.decoder import Cache, Shape, Step
from backends.torch.engine.loaded import Loaded
from backends.torch.engine.run import Progress, Run
from backends.torch.sampling.drawing import Drawing

VOCABULARY = 97


def next_token(tokens: Sequence[int]) -> int:
    """What follows `tokens`: any change, anywhere, shows."""
    digest = 1
    for token in tokens:
        digest = (digest * 31 + token + 7) % 1_000_003
    return digest % VOCABULARY


def answer(prompt: Sequence[int], count: int) -> list[int]:
    """The `count` tokens that follow a prompt."""
    tokens = list(prompt)
    for _ in range(count):
        tokens.append(next_token(tokens))
    return tokens[len(prompt) :]


@dataclass
class ToyCache:
    """Tokens in blocks, as a real one has keys and values; what was never written is -1."""

    blocks: int = 64
    block_tokens: int = 4
    step: Step = field(init=False)

    def __post_init__(self) -> None:
        self.kept = [[-1] * self.block_tokens for _ in range(self.blocks)]

    def at(self, step: Step) -> "ToyCache":
        self.step = step
        return self

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float | None = None
    ) -> Tensor:
        raise NotImplementedError


class ToyDecoder:
    """Notes the steps it is given; `before` is called at each, and may raise or wait."""

    def __init__(self, context_tokens: int = 64) -> None:
        self.shape = Shape(
            layers=1,
            heads=1,
            kv_heads=1,
            head_size=1,
            vocabulary=VOCABULARY,
            context_tokens=context_tokens,
            dtype=torch.float32,
            device=torch.device("cpu"),
        )
        self.steps: list[Step] = []
        self.before: Callable[[Step], object] = self.steps.append
        self.gate = Event()
        self.gate.set()

    def forward(self, token_ids: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        assert isinstance(cache, ToyCache)
        step, size = cache.step, cache.block_tokens
        self.gate.wait(10)
        self.before(step)
        tokens, places = token_ids.tolist(), positions.tolist()
        assert step.starts[-1] == len(tokens)
        tables = step.block_tables.tolist()
        rows = {}
        for index, table in enumerate(tables):
            start, stop = step.starts[index], step.starts[index + 1]
            assert places[start:stop] == list(
                range(step.lengths[index] - (stop - start), step.lengths[index])
            )
            assert stop - start == 1 or index >= step.decoding
            for row in range(start, stop):
                cache.kept[table[places[row] // size]][places[row] % size] = tokens[row]
                rows[row] = table
        logits = torch.zeros(len(step.wanted), VOCABULARY)
        for line, row in enumerate(step.wanted.tolist()):
            table = rows[row]
            past = [cache.kept[table[place // size]][place % size] for place in range(places[row])]
            logits[line, next_token([*past, tokens[row]])] = 9.0
        return logits


def loaded(decoder: ToyDecoder | None = None, blocks: int = 64, block_tokens: int = 4) -> Loaded:
    """The toy over a cache of so many blocks."""
    return Loaded(decoder or ToyDecoder(), ToyCache(blocks, block_tokens))


def greedy(logprobs: int | None = None) -> Drawing:
    """The likeliest token."""
    return Drawing(temperature=0.0, logprobs=logprobs)


def make_run(
    prompt: Sequence[int],
    max_tokens: int = 5,
    deliver: Callable[[Progress], None] = lambda _: None,
    *,
    prompt_logprobs: bool = False,
) -> Run:
    """A greedy sequence."""
    return Run(prompt, max_tokens, greedy(), deliver, prompt_logprobs=prompt_logprobs)
