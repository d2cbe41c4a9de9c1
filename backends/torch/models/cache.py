"""Keys and values in fixed blocks: one tensor a layer for keys and one for values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.torch.models.attention import PagedStep, PortableStep

if TYPE_CHECKING:
    from backends.torch.decoder import Shape, Step


class PagedCache:
    """Room for `blocks` blocks of `block_tokens` tokens each; what is not written takes no memory.

    `attention` says how they are laid out and attended to. The portable one's are [N, K, S, D].
    """

    def __init__(
        self,
        shape: Shape,
        blocks: int,
        block_tokens: int = 32,
        attention: type[PagedStep] = PortableStep,
    ) -> None:
        self.shape = shape
        self.blocks = blocks
        self.block_tokens = block_tokens
        self.attention = attention
        self.keys, self.values = (
            [attention.room(shape, blocks, block_tokens) for _ in range(shape.layers)]
            for _ in range(2)
        )

    def at(self, step: Step) -> PagedStep:
        """The cache as a decoder sees it at a step."""
        return self.attention(self, step)
