"""A model of one's own: bytes in, bytes out, written by hand against the engine's one protocol.

Usage: cd examples && adapter serve --backend torch --model-path tiny_decoder:TinyDecoder ...

It has random weights, so what it says means nothing; how it is joined to the engine is the point.
A decoder has a `shape`, by which the engine makes room for keys and values, and a `forward`. The
tokens of a step are those of several sequences, end to end; only `cache.attend` knows which is
whose. It keeps their keys and values, and looks back at all that is kept.
"""

from math import sqrt

import torch
from torch import Tensor
from torch.nn.functional import embedding, gelu, layer_norm

from backends.torch.decoder import Cache, Shape

LAYERS, HEADS, HEAD_SIZE, VOCABULARY, CONTEXT = 2, 4, 16, 256, 512
HIDDEN = HEADS * HEAD_SIZE


class TinyDecoder:
    """Two layers over bytes, with learned positions, on any device."""

    def __init__(
        self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self.shape = Shape(
            layers=LAYERS,
            heads=HEADS,
            kv_heads=HEADS,
            head_size=HEAD_SIZE,
            vocabulary=VOCABULARY,
            context_tokens=CONTEXT,
            dtype=dtype,
            device=torch.device(device),
        )
        random = torch.Generator().manual_seed(7)

        def weight(rows: int, columns: int) -> Tensor:
            drawn = torch.randn(rows, columns, generator=random) / sqrt(rows)
            return drawn.to(device, dtype)

        self.tokens = weight(VOCABULARY, HIDDEN) * 16
        self.places = weight(CONTEXT, HIDDEN) * 16
        self.qkv = [weight(HIDDEN, 3 * HIDDEN) for _ in range(LAYERS)]
        self.output = [weight(HIDDEN, HIDDEN) for _ in range(LAYERS)]
        self.up = [weight(HIDDEN, 4 * HIDDEN) for _ in range(LAYERS)]
        self.down = [weight(4 * HIDDEN, HIDDEN) for _ in range(LAYERS)]
        self.head = weight(HIDDEN, VOCABULARY)

    def forward(self, token_ids: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        """The logits, [L, V], of the rows `cache.step.wanted` of `token_ids` [T]."""
        x = embedding(token_ids, self.tokens) + embedding(positions, self.places)  # [T, hidden]
        for layer in range(LAYERS):
            heads = layer_norm(x, (HIDDEN,)) @ self.qkv[layer]  # [T, 3 hidden]
            query, key, value = heads.view(-1, 3, HEADS, HEAD_SIZE).unbind(1)  # each [T, H, D]
            x = x + cache.attend(layer, query, key, value).reshape(-1, HIDDEN) @ self.output[layer]
            x = x + gelu(layer_norm(x, (HIDDEN,)) @ self.up[layer]) @ self.down[layer]
        return layer_norm(x[cache.step.wanted], (HIDDEN,)) @ self.head
