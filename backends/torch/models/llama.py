"""The decoder of the Llama and Qwen families: one forward, whatever its operations' speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from backends.torch.decoder import Shape
from backends.torch.models.attention import PagedStep
from backends.torch.models.parts import Part, parts_of
from backends.torch.models.portable import each
from backends.torch.models.rotary import rotary
from backends.torch.models.tensors import EMBEDDING, HEAD, NORM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from backends.torch.decoder import Cache
    from backends.torch.models.config import Config
    from backends.torch.models.ops import Linear, Ops

MANY = 1 << 20


class Llama:
    """A decoder with RMS norms, rotary positions, grouped heads and a gated MLP.

    It runs in the number format and on the device of its weights. On a CPU a sequence's numbers
    depend on that sequence alone, to the last bit: where the operations would round otherwise for
    other company, a step is computed in parts.
    """

    def __init__(self, config: Config, weights: Mapping[str, Tensor], ops: Ops) -> None:
        self._eps = config.eps
        self._ops = ops
        self._embedding = weights[EMBEDDING]  # [V, hidden]
        self._layers = [Layer(n, config, weights, ops) for n in range(config.layers)]
        self._norm = weights[NORM]
        device = self._embedding.device
        self.reproducible = device.type == "cpu"
        self._rows = ops.rows(config.head_size) if self.reproducible else None
        head = self._embedding if config.tied else weights[HEAD]
        self._head = ops.linear(head)
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
        if self._rows is None:
            x = functional.embedding(token_ids, self._embedding)  # [T, hidden]
            (delta,) = self._through([x], [cache])
            x, delta = x[cache.step.wanted], delta[cache.step.wanted]  # [L, hidden]
            return self._head(self._ops.add_rms_norm(x, delta, self._norm, self._eps))
        assert isinstance(cache, PagedStep), "our forward runs on our cache"  # noqa: S101 # our own bug
        parts = parts_of(cache, self._rows if self._stack is None else MANY)
        # A tensor of its own for each part: products may round by where in memory a row begins.
        xs = [functional.embedding(token_ids[part.rows], self._embedding) for part in parts]
        return self._logits(parts, xs, self._through(xs, [part.cache for part in parts]))

    def _through(self, xs: Sequence[Tensor], caches: Sequence[Cache]) -> list[Tensor]:
        """What the last layer adds to each of `xs` [T, hidden], which grow by the others'."""
        if self._stack is None:
            return self._by_layer(xs, caches)
        deltas = []
        for x, cache in zip(xs, caches, strict=True):
            delta = self._stack(x, cache)
            # What a stack gives is good until its next call.
            deltas.append(delta.clone() if delta is not None else self._by_layer([x], [cache])[0])
        return deltas

    def _by_layer(self, xs: Sequence[Tensor], caches: Sequence[Cache]) -> list[Tensor]:
        """The same, a linear at a time: its weight is read once from memory for all of `xs`."""
        ops, eps, steps = self._ops, self._eps, range(len(xs))
        deltas: list[Tensor] | list[None] = [None] * len(xs)
        for layer in self._layers:
            norm, number = layer.attention_norm, layer.number
            qkvs = each(layer.qkv, [ops.add_rms_norm(xs[i], deltas[i], norm, eps) for i in steps])
            if layer.head_norm is not None:
                for qkv in qkvs:
                    _normalise_heads(qkv, layer.head_norm, eps)
            seen = [ops.attention(qkvs[i], number, caches[i], self._rotary) for i in steps]
            deltas, norm = each(layer.output, seen), layer.mlp_norm
            normed = [ops.add_rms_norm(xs[i], deltas[i], norm, eps) for i in steps]
            gated = [ops.silu_mul(gate_up) for gate_up in each(layer.gate_up, normed)]
            deltas = each(layer.down, gated)
        return [delta for delta in deltas if delta is not None]

    def _logits(self, parts: Sequence[Part], xs: Sequence[Tensor], deltas: list[Tensor]) -> Tensor:
        """[L, V], as many rows at a time as make no difference to each other."""
        groups = []
        for part, x, delta in zip(parts, xs, deltas, strict=True):
            wanted = part.cache.step.wanted
            for start in range(0, len(wanted), self._rows or MANY):
                end = min(start + (self._rows or MANY), len(wanted))
                few = wanted[start:end]
                normed = self._ops.add_rms_norm(x[few], delta[few], self._norm, self._eps)
                groups.append((part.logits[start:end], normed))
        logits = xs[0].new_empty(sum(len(part.logits) for part in parts), self.shape.vocabulary)
        rows = each(self._head, [normed for _, normed in groups])
        for (places, _), few in zip(groups, rows, strict=True):
            logits[places] = few
        return logits


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
