"""What the engine drives: a decoder, and the cache that it reads and writes."""

from dataclasses import dataclass
from typing import Protocol

from backends.torch.decoder import Cache, Decoder, Step


class Paged(Protocol):
    """Keys and values in `blocks` blocks of `block_tokens` tokens."""

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        ...

    @property
    def block_tokens(self) -> int:
        """How many tokens each takes."""
        ...

    def at(self, step: Step) -> Cache:
        """The cache as a decoder sees it at a step."""
        ...


@dataclass(slots=True, frozen=True)
class Loaded:
    """All that a loader makes.

    `reproducible`: a sequence's numbers depend on it alone, if its prompt is computed from block to
    block and its output token by token.
    """

    decoder: Decoder
    cache: Paged
    reproducible: bool = False
