"""One sequence in the engine: what was asked, what is there, and where it stands in the cache."""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from backends.torch.sampling.drawing import Drawing, Drawn


@dataclass(slots=True, frozen=True)
class Progress:
    """What a step brought one sequence.

    The first of a sequence has `cached_tokens`, and `prompt` where prompt logprobs were asked for:
    one `Drawn` for each prompt token, the first with no logprob. The last has `finish`, or `error`.
    A token in `stops` ends the sequence and is not among `drawn`.
    """

    drawn: Sequence[Drawn] = ()
    finish: Literal["stop", "length"] | None = None
    cached_tokens: int | None = None
    prompt: Sequence[Drawn] = ()
    error: BaseException | None = None


@dataclass(slots=True, eq=False)
class Run:
    """A sequence that is waiting, running or done. `computed` of its tokens are in the cache.

    `salt` keeps apart prefixes that must not be shared. What follows `cancelled` is the engine's.
    """

    prompt: Sequence[int]
    max_tokens: int
    drawing: Drawing
    deliver: Callable[[Progress], None]
    stops: frozenset[int] = frozenset()
    prompt_logprobs: bool = False
    output: list[int] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    computed: int = 0
    cancelled: bool = False
    salt: bytes = b""
    loop: AbstractEventLoop | None = None  # where `deliver` is called; None for the engine's thread
    arrival: int = 0
    slot: int = 0  # its row in the block table
    tabled: int = 0  # how many of its blocks that row has
    hashes: list[bytes] = field(default_factory=list)  # of its full blocks, as far as reckoned
    kept: int = 0  # how many of its blocks were offered to the prefix cache
    awaits: bytes | None = None  # the block that another is computing for it
    told: list[Drawn] = field(default_factory=list)  # the prompt's logprobs so far
    cached_tokens: int | None = None
    replays: bool = False  # whether output that it has to compute again is taken token by token
    begun: bool = False  # whether its first progress was delivered

    @property
    def length(self) -> int:
        """How many tokens there are, prompt and output."""
        return len(self.prompt) + len(self.output)

    @property
    def pending(self) -> int:
        """How many of them are not in the cache; at one, the next token can be drawn."""
        return len(self.prompt) + len(self.output) - self.computed

    @property
    def unread(self) -> int:
        """How many of them are computed in pieces: of the prompt, and of output if not replayed."""
        return (len(self.prompt) if self.replays else self.length) - self.computed

    @property
    def decodes(self) -> bool:
        """Whether its next step has one token: the one drawn last, or one computed again."""
        return self.computed >= len(self.prompt) and (self.replays or self.pending == 1)

    @property
    def untold(self) -> bool:
        """Whether prompt logprobs are still to be had: then all of the prompt is computed."""
        return self.prompt_logprobs and len(self.told) < len(self.prompt)

    def token(self, place: int) -> int:
        """The token at a place."""
        edge = len(self.prompt)
        return self.prompt[place] if place < edge else self.output[place - edge]

    def tokens(self, start: int, stop: int) -> list[int]:
        """The tokens from `start` up to `stop`, wherever the prompt ends."""
        edge = len(self.prompt)
        if stop <= edge:
            return list(self.prompt[start:stop])
        if start >= edge:
            return self.output[start - edge : stop - edge]
        return [*self.prompt[start:], *self.output[: stop - edge]]
