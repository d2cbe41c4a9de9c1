"""The decoder of the Llama and Qwen families: one forward, whatever its operations' speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from backends.torch.decoder import Shape
from backends.torch.models.rotary import rotary
from backends.torch.models.tensors import EMBEDDING, HEAD, NORM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from backends.torch.decoder import Cache
    from backends.torch.models.config import Config
    from backends.torch.models.ops import Linear, Ops


class Llama:
    """A decoder with RMS norms, rotary positions, grouped heads and a gated MLP.

    It runs in the number format and on the device of its weights.
    """

    def __init__(self, config: Config, weights: Mapping[str, Tensor], ops: Ops) -> None:
        self._eps = config.eps
        self._ops = ops
        self._embedding = weights[EMBEDDING]  # [V, hidden]
        self._layers = [Layer(n, config, weights, ops) for n in range(config.layers)]
        self._norm = weights[NORM]
        self._head = ops.linear(self._embedding if config.tied else weights[HEAD])
        device = self._embedding.device
        self._rotary = rotary(config.rope, config.head_size, config.context_tokens, device)
        self._stack = ops.stack(self._layers, self._rotary, config.eps)
        self.shape = Shape(
            layers=config.layers,
            heads=config.heads,
            kv_heads=config.kv_heads,
            head_size=config.head_size,
            vocabulary=config.vocabulary,
            context_tokens=config.context_tokens,
            dtype=self._embedding.dtype,
            device=device,
        )

    @torch.inference_mode()
    def forward(self, token_ids: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        """The logits, [L, V], of the rows `cache.step.wanted` of `token_ids` [T]."""
        x = functional.embedding(token_ids, self._embedding)  # [T, hidden]
        delta = self._stack(x, cache) if self._stack is not None else None
        if delta is None:
            delta = self._by_layer(x, cache)
        x, delta = x[cache.step.wanted], delta[cache.step.wanted]  # [L, hidden]
        return self._head(self._ops.add_rms_norm(x, delta, self._norm, self._eps))

    def _by_layer(self, x: Tensor, cache: Cache) -> Tensor:
        """What the last layer adds to `x` [T, hidden], which grows by what the others add."""
        ops, eps = self._ops, self._eps
        delta: Tensor | None = None
        for layer in self._layers:
            qkv = layer.qkv(ops.add_rms_norm(x, delta, layer.attention_norm, eps))
            if layer.head_norm is not None:
                _normalise_heads(qkv, layer.head_norm, eps)
            delta = layer.output(ops.attention(qkv, layer.number, cache, self._rotary))
            gate_up = layer.gate_up(ops.add_rms_norm(x, delta, layer.mlp_norm, eps))
            delta = layer.down(ops.silu_mul(gate_up))
        assert delta is not None, "a decoder has layers"  # noqa: S101 - the config says how many
        return delta


class Layer:
    """One layer's linears and norms; those that read the same input are one product."""

    def __init__(
        self, number: int, config: Config, weights: Mapping[str, Tensor], ops: Ops
    ) -> None:
        at = f"model.layers.{number}."
        self.number = number
        self.attention_norm = weights[f"{at}input_layernorm.weight"]
        self.mlp_norm = weights[f"{at}post_attention_layernorm.weight"]
        self.qkv = _joined(
            weights, ops, config.qkv_bias, *[f"{at}self_attn.{x}_proj" for x in "qkv"]
        )
        self.output = _joined(weights, ops, config.output_bias, f"{at}self_attn.o_proj")
        self.gate_up = _joined(
            weights, ops, config.mlp_bias, f"{at}mlp.gate_proj", f"{at}mlp.up_proj"
        )
        self.down = _joined(weights, ops, config.mlp_bias, f"{at}mlp.down_proj")
        self.head_norm: Tensor | None = None  # [H + K, D]
        if config.head_norms:
            query = weights[f"{at}self_attn.q_norm.weight"].expand(config.heads, -1)
            key = weights[f"{at}self_attn.k_norm.weight"].expand(config.kv_heads, -1)
            self.head_norm = torch.cat((query, key))


def _normalise_heads(qkv: Tensor, weight: Tensor, eps: float) -> None:
    """Norm the queries and keys of `qkv` [T, (H + 2 K) D] in place, by `weight` [H + K, D]."""
    count, size = weight.shape
    heads = qkv.view(qkv.shape[0], -1, size)[:, :count]
    heads.copy_(functional.rms_norm(heads, (size,), eps=eps) * weight)


def _joined(weights: Mapping[str, Tensor], ops: Ops, biased: bool, *names: str) -> Linear:
    """One linear of several that read the same input."""
    weight = [weights[f"{name}.weight"] for name in names]
    bias = [weights[f"{name}.bias"] for name in names] if biased else []
    if len(names) == 1:
        return ops.linear(weight[0], bias[0] if biased else None)
    return ops.linear(torch.cat(weight), torch.cat(bias) if biased else None)
