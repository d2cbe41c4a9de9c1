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
    """All that a loader makes."""

    decoder: Decoder
    cache: Paged
