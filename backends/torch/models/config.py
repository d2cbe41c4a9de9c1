"""What `config.json` says of a Llama-family model, read once and checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ARCHITECTURES = frozenset(
    {"LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"}
)


@dataclass(slots=True, frozen=True)
class Config:
    """The sizes and habits of a decoder with RMS norms, rotary positions and a gated MLP.

    `qkv_bias`, `output_bias` and `mlp_bias` say which linears have a bias; `head_norms` that
    queries and keys are normalised head by head. `rope` is as `rope_parameters` holds it.
    """

    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    context_tokens: int
    eps: float
    rope: Mapping[str, Any]
    tied: bool
    qkv_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False
    head_norms: bool = False


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises ValueError, one line that names the file, where there is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: is not a JSON object")  # noqa: TRY004 # the file's, not ours
    return content


def read_config(folder: Path) -> Config | str:
    """The config of a model that our own forward runs, or why it does not run this one.

    Raises ValueError, one line that names the file, where the config makes no sense.
    """
    path = folder / "config.json"
    raw = read_json(path)
    if reason := _foreign(raw):
        return reason
    try:
        return _config(raw)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{path}: {_said(error)}") from None


def _foreign(raw: Mapping[str, Any]) -> str | None:
    """Why our forward does not run a model, None if it does."""
    architecture = (raw.get("architectures") or ["?"])[0]
    if architecture not in ARCHITECTURES:
        return f"architecture {architecture}"
    if raw.get("hidden_act", "silu") != "silu":
        return f"hidden_act {raw['hidden_act']}"
    if window := _sliding_window(raw):
        return f"a sliding window of {window} tokens"
    if raw.get("quantization_config"):
        return "quantization_config"
    rope = _rope(raw)
    if rope["rope_type"] not in {"default", "linear", "llama3"}:
        return f"rope scaling {rope['rope_type']}"
    if rope.get("partial_rotary_factor", 1.0) != 1.0:
        return "partial rotary positions"
    return None


def _sliding_window(raw: Mapping[str, Any]) -> int | None:
    """The window that a model's attention is cut to, None if it sees the whole context."""
    family = raw.get("model_type")
    if family == "llama" or (family != "mistral" and not raw.get("use_sliding_window", False)):
        return None
    if "sliding_attention" not in raw.get("layer_types", ["sliding_attention"]):
        return None
    window: int | None = raw.get("sliding_window", 4096)  # what transformers takes where it is not
    return window if window and window < raw.get("max_position_embeddings", 0) else None


def _rope(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The rotary parameters, whichever of their three spellings the file has."""
    rope = dict(raw.get("rope_parameters") or raw.get("rope_scaling") or {})
    rope.setdefault("rope_type", rope.get("type", "default"))
    rope.setdefault("rope_theta", raw.get("rope_theta", 10000.0))
    return rope


def _config(raw: Mapping[str, Any]) -> Config:
    heads = int(raw["num_attention_heads"])
    family = raw["architectures"][0].removesuffix("ForCausalLM")
    kv_heads = int(raw.get("num_key_value_heads") or heads)
    bias = bool(raw.get("attention_bias", False))
    config = Config(
        hidden=int(raw["hidden_size"]),
        intermediate=int(raw["intermediate_size"]),
        layers=int(raw["num_hidden_layers"]),
        heads=heads,
        kv_heads=kv_heads,
        head_size=int(raw.get("head_dim") or raw["hidden_size"] // heads),
        vocabulary=int(raw["vocab_size"]),
        context_tokens=int(raw["max_position_embeddings"]),
        eps=float(raw.get("rms_norm_eps", 1e-6)),
        rope=_rope(raw),
        tied=bool(raw.get("tie_word_embeddings", False)),
        qkv_bias=family == "Qwen2" or (family in {"Llama", "Qwen3"} and bias),
        output_bias=family in {"Llama", "Qwen3"} and bias,
        mlp_bias=family == "Llama" and bool(raw.get("mlp_bias", False)),
        head_norms=family == "Qwen3",
    )
    if heads % kv_heads:
        raise ValueError(f"{heads} attention heads cannot share {kv_heads} key-value heads")
    if config.head_size % 2:
        raise ValueError(f"head size {config.head_size} is odd")
    return config


def _said(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
