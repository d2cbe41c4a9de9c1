"""The `config.json` of a GGUF file, and the Hugging Face names of its tensors."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backends.torch.weights.gguf_file import GGUF

FAMILIES = {
    "llama": "LlamaForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
}
OUTER = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
INNER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
ROPE_FACTORS = "rope_freqs.weight"  # Llama 3 keeps its rotary scaling as a tensor
LOW, HIGH, TRAINED = 1.0, 4.0, 8192  # the same in all of Llama 3
_NAME = re.compile(r"(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)")


def hugging_face_name(name: str) -> str:
    """What Hugging Face calls a tensor.

    Raises:
        ValueError: the families known here have no such tensor.
    """
    if matched := _NAME.fullmatch(name):
        layer, part, kind = matched.groups()
        if layer is None and part in OUTER:
            return f"{OUTER[part]}.{kind}"
        if layer is not None and part in INNER:
            return f"model.layers.{layer}.{INNER[part]}.{kind}"
    raise ValueError(f"its tensor {name!r} has no place in the families {', '.join(FAMILIES)}")


def config_of(gguf: GGUF) -> dict[str, Any]:
    """The model's `config.json`.

    Raises:
        ValueError: the family is another, or a field is missing or beyond what can be said.
    """
    family = gguf.architecture
    if family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ValueError(f"its architecture is {family!r}; GGUF is read for {known} alone")
    hidden, heads = gguf[f"{family}.embedding_length"], gguf[f"{family}.attention.head_count"]
    head_dim = gguf.get(f"{family}.attention.key_length", hidden // heads)
    if gguf.get(f"{family}.rope.dimension_count", head_dim) != head_dim:
        raise ValueError("its rotary embedding turns a part of each head alone")
    return {
        "architectures": [FAMILIES[family]],
        "model_type": family,
        "vocab_size": int(gguf.tensor("token_embd.weight").shape[-1]),
        "hidden_size": hidden,
        "intermediate_size": gguf[f"{family}.feed_forward_length"],
        "num_hidden_layers": gguf[f"{family}.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": gguf.get(f"{family}.attention.head_count_kv", heads),
        "head_dim": head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": gguf[f"{family}.context_length"],
        "rms_norm_eps": gguf[f"{family}.attention.layer_norm_rms_epsilon"],
        "rope_parameters": _rope(gguf, family),
        "attention_bias": "blk.0.attn_q.bias" in gguf.tensors,
        "mlp_bias": "blk.0.ffn_up.bias" in gguf.tensors,
        "tie_word_embeddings": "output.weight" not in gguf.tensors,
        "bos_token_id": gguf.get("tokenizer.ggml.bos_token_id"),
        "eos_token_id": eos_of(gguf),
        "pad_token_id": gguf.get("tokenizer.ggml.padding_token_id"),
        "dtype": "bfloat16",
    }


def eos_of(gguf: GGUF) -> int | list[int] | None:
    """The ids that end an answer: a text's end, and a turn's where that is another."""
    names = ("eos_token_id", "eot_token_id", "eom_token_id")
    found = [gguf.get(f"tokenizer.ggml.{name}") for name in names]
    ids = list(dict.fromkeys(token for token in found if token is not None))
    return ids if len(ids) > 1 else next(iter(ids), None)


def _rope(gguf: GGUF, family: str) -> dict[str, Any]:
    theta = {"rope_theta": gguf.get(f"{family}.rope.freq_base", 10_000.0)}
    if ROPE_FACTORS in gguf.tensors:
        return theta | _llama3(gguf.unpacked(ROPE_FACTORS).tolist(), **theta)
    kind = gguf.get(f"{family}.rope.scaling.type", "none")
    if kind == "none":
        return theta | {"rope_type": "default"}
    if kind not in {"linear", "yarn"}:
        raise ValueError(f"its rotary scaling is {kind!r}; known are none, linear and yarn")
    scaled = theta | {"rope_type": kind, "factor": gguf[f"{family}.rope.scaling.factor"]}
    if kind == "yarn":
        original = gguf[f"{family}.rope.scaling.original_context_length"]
        scaled["original_max_position_embeddings"] = original
    return scaled


def _llama3(factors: list[float], rope_theta: float) -> dict[str, Any]:
    """Llama 3's scaling, of which the file holds what it makes of each pair of dimensions."""
    slowest = max(factors)
    for pair, factor in enumerate(factors):
        turn = rope_theta ** -(pair / len(factors))
        kept = min(1.0, max(0.0, (TRAINED * turn / (2 * math.pi) - LOW) / (HIGH - LOW)))
        if not math.isclose(factor * (kept + (1 - kept) / slowest), 1, rel_tol=1e-3):
            raise ValueError("its rotary factors are not those of Llama 3")
    return {
        "rope_type": "llama3",
        "factor": slowest,
        "low_freq_factor": LOW,
        "high_freq_factor": HIGH,
        "original_max_position_embeddings": TRAINED,
    }
