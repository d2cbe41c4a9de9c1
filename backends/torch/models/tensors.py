"""The tensors that a Llama-family model is made of: their names in a file, and their shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backends.torch.models.config import Config

EMBEDDING = "model.embed_tokens.weight"
NORM = "model.norm.weight"
HEAD = "lm_head.weight"


def expected(config: Config) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor, by name."""
    shapes: dict[str, tuple[int, ...]] = {
        EMBEDDING: (config.vocabulary, config.hidden),
        NORM: (config.hidden,),
    }
    if not config.tied:
        shapes[HEAD] = (config.vocabulary, config.hidden)
    layer = _layer(config)
    for number in range(config.layers):
        shapes.update({f"model.layers.{number}.{name}": layer[name] for name in layer})
    return shapes


def _layer(config: Config) -> dict[str, tuple[int, ...]]:
    queries = config.heads * config.head_size
    keys = config.kv_heads * config.head_size
    linears = {
        "self_attn.q_proj": (queries, config.hidden, config.qkv_bias),
        "self_attn.k_proj": (keys, config.hidden, config.qkv_bias),
        "self_attn.v_proj": (keys, config.hidden, config.qkv_bias),
        "self_attn.o_proj": (config.hidden, queries, config.output_bias),
        "mlp.gate_proj": (config.intermediate, config.hidden, config.mlp_bias),
        "mlp.up_proj": (config.intermediate, config.hidden, config.mlp_bias),
        "mlp.down_proj": (config.hidden, config.intermediate, config.mlp_bias),
    }
    shapes: dict[str, tuple[int, ...]] = {
        "input_layernorm.weight": (config.hidden,),
        "post_attention_layernorm.weight": (config.hidden,),
    }
    for name, (rows, columns, bias) in linears.items():
        shapes[f"{name}.weight"] = (rows, columns)
        if bias:
            shapes[f"{name}.bias"] = (rows,)
    if config.head_norms:
        shapes["self_attn.q_norm.weight"] = shapes["self_attn.k_norm.weight"] = (config.head_size,)
    return shapes
