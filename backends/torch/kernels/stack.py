"""All layers of a decoder in one call, for steps that the kernels attend to alone.

At batch 1 a layer takes a tenth of a millisecond, and calling its operations one by one from
Python would add a tenth to that, or a third with int8 weights.
"""

from __future__ import annotations

from ctypes import byref, pointer
from typing import TYPE_CHECKING

import torch

from backends.torch.kernels.attention import Attention, attends
from backends.torch.kernels.binding import LayerView, StackView
from backends.torch.kernels.linears import VECTOR_TOKENS, FastLinear, Int8Linear
from backends.torch.models.attention import PagedStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from backends.torch.decoder import Cache
    from backends.torch.kernels.load import Kernels
    from backends.torch.models.cache import PagedCache
    from backends.torch.models.ops import Layer, Rotary

LINEARS = ("qkv", "output", "gate_up", "down")


class Stack:
    """The layers' weights as the kernels take them, and the room between the layers."""

    @classmethod
    def of(
        cls, kernels: Kernels, layers: Sequence[Layer], rotary: Rotary, eps: float
    ) -> Stack | None:
        """The stack; None where rows need filling up or a head is none of the kernels'."""
        linears = [getattr(layer, name) for layer in layers for name in LINEARS]
        fits = all(isinstance(x, FastLinear | Int8Linear) and not x.padding for x in linears)
        return (
            cls(kernels, layers, rotary, eps) if fits and attends(2 * rotary.cos.shape[1]) else None
        )

    def __init__(
        self, kernels: Kernels, layers: Sequence[Layer], rotary: Rotary, eps: float
    ) -> None:
        self._kernels, self._layers, self._rotary, self._eps = kernels, layers, rotary, eps
        self._views = (LayerView * len(layers))()
        for view, layer in zip(self._views, layers, strict=True):
            for name in LINEARS:
                setattr(view, name, getattr(layer, name).view)
            view.attention_norm = layer.attention_norm.data_ptr()
            view.mlp_norm = layer.mlp_norm.data_ptr()
            if layer.head_norm is not None:
                view.head_norm = layer.head_norm.data_ptr()
        self._int8 = isinstance(layers[0].qkv, Int8Linear)
        # Beyond, oneDNN's linears are quicker for a prompt, and it is called from Python. Sequences
        # that decode stay here: by oneDNN their numbers would depend on how many they are.
        self._most_tokens = None if kernels.tiles or self._int8 else VECTOR_TOKENS
        self._paged: PagedCache | None = None
        self._room: Room | None = None

    def __call__(self, x: Tensor, cache: Cache) -> Tensor | None:
        """What the last layer adds to `x` [T, hidden], which grows by what the others add.

        The answer is good until the next call. None, and nothing done, if others are quicker at
        the step: it has many tokens, or a long piece of a prompt, and there is no matrix unit.
        """
        tokens = x.shape[0]
        if not isinstance(cache, PagedStep):
            return None
        prompts = cache.step.decoding < tokens
        if self._most_tokens is not None and prompts and tokens > self._most_tokens:
            return None
        attention = Attention(self._kernels, cache, self._rotary)
        if not attention.whole:
            return None
        self._point_at(cache.paged)
        if self._room is None or self._room.tokens < tokens:
            self._room = Room(self._views[0], tokens)
        view = self._stack_view(attention, self._room)
        delta = self._room.delta[:tokens]
        self._kernels.library.layers(
            byref(view), self._views, x.data_ptr(), delta.data_ptr(), tokens
        )
        return delta

    def _point_at(self, paged: PagedCache) -> None:
        """Let the layers know where the cache has their keys and values."""
        if paged is self._paged:
            return
        for number, view in enumerate(self._views):
            view.keys = paged.keys[number].data_ptr()
            view.values = paged.values[number].data_ptr()
        self._paged = paged

    def _stack_view(self, attention: Attention, room: Room) -> StackView:
        return StackView(
            step=pointer(attention.view),
            count=len(self._layers),
            hidden=room.normed.shape[1],
            heads=attention.view.heads,
            kv_heads=attention.view.kv_heads,
            size=attention.view.size,
            inner=room.gated.shape[1],
            eps=self._eps,
            tiles=self._kernels.tiles,
            int8=self._int8,
            threads=torch.get_num_threads(),
            normed=room.normed.data_ptr(),
            qkv=room.qkv.data_ptr(),
            seen=room.seen.data_ptr(),
            gate_up=room.gate_up.data_ptr(),
            gated=room.gated.data_ptr(),
            halves=room.halves.data_ptr(),
            scales=room.scales.data_ptr(),
            room=attention.room.data_ptr(),
        )


class Room:
    """What is between the operations of a layer, for so many tokens or fewer."""

    def __init__(self, layer: LayerView, tokens: int) -> None:
        self.tokens = tokens
        hidden, inner = layer.output.outs, layer.gate_up.outs // 2
        self.normed, self.qkv, self.seen, self.gate_up, self.gated, self.delta = (
            torch.empty(tokens, width, dtype=torch.bfloat16)
            for width in (hidden, layer.qkv.outs, layer.qkv.outs, 2 * inner, inner, hidden)
        )
        widest = max(hidden, layer.qkv.outs, inner)
        self.halves = torch.empty(2, tokens, widest, dtype=torch.uint8)
        self.scales = torch.empty(tokens)
