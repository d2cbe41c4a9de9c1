"""What `config.json` says of a Llama-family model, read once and checked."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.torch.models.rotary import turns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ARCHITECTURES = frozenset(
    {"LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"}
)
MOST = 1 << 24  # of anything; positions beyond it are no longer exact in float32
MOST_LAYERS = 4096
QWEN3_HEAD = 128  # a head's size where Qwen 3 does not say


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
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
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
    try:
        return _foreign(raw) or _config(raw)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _foreign(raw: Mapping[str, Any]) -> str | None:
    """Why our forward does not run a model, None if it does."""
    if method := packed_by(raw):
        raise ValueError(f"its weights are quantised ({method}), which cannot be read")
    architecture = _architecture(raw)
    if architecture not in ARCHITECTURES:
        return f"architecture {architecture}"
    if (activation := raw.get("hidden_act", "silu")) != "silu":
        return f"hidden_act {activation}"
    if raw.get("is_causal", True) is not True:
        return "attention that is not causal"
    if window := _sliding_window(raw):
        return f"a sliding window of {window} tokens"
    rope = _rope(raw)
    if rope["rope_type"] not in {"default", "linear", "llama3"}:
        return f"rope scaling {rope['rope_type']}"
    part = rope.get("partial_rotary_factor", raw.get("partial_rotary_factor"))
    if part is not None and part != 1:
        return "partial rotary positions"
    return None


def packed_by(raw: Mapping[str, Any]) -> str | None:
    """How a model's weights are quantised, None if they are plain numbers."""
    for name in ("quantization_config", "compression_config"):
        if about := raw.get(name):
            method = about.get("quant_method") if isinstance(about, dict) else None
            return method if isinstance(method, str) else name
    return None


def _architecture(raw: Mapping[str, Any]) -> str:
    names = raw.get("architectures") or ["unnamed"]
    if not isinstance(names, list) or not isinstance(names[0], str):
        raise ValueError("'architectures' is no list of names")  # noqa: TRY004 # the file's, not ours
    return names[0]


def _sliding_window(raw: Mapping[str, Any]) -> int | None:
    """The window that a model's attention is cut to, None if it sees the whole context."""
    family = raw.get("model_type")
    if family == "llama" or (family != "mistral" and not raw.get("use_sliding_window", False)):
        return None
    layers = raw.get("layer_types")
    if isinstance(layers, list) and "sliding_attention" not in layers:
        return None
    if raw.get("sliding_window", 0) is None:
        return None
    window = _whole(raw, "sliding_window", 4096)  # what transformers takes where it is not
    return window if window < _whole(raw, "max_position_embeddings") else None


def _rope(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The rotary parameters, whichever of their three spellings the file has."""
    given = raw.get("rope_scaling") or raw.get("rope_parameters") or {}
    if not isinstance(given, dict):
        raise ValueError("its rope scaling is no JSON object")  # noqa: TRY004 # likewise
    rope = dict(given)
    rope.setdefault("rope_type", rope.get("type", "default"))
    rope.setdefault("rope_theta", raw.get("rope_theta", 10000.0))
    if not isinstance(rope["rope_type"], str):
        raise ValueError("the type of its rope scaling is no name")  # noqa: TRY004 # likewise
    if rope["rope_type"] == "llama3":  # both as transformers has it
        trained = "original_max_position_embeddings"
        rope.setdefault(trained, raw.get("max_position_embeddings"))
        rope[trained] = raw.get(trained, rope[trained])
    return rope


def _config(raw: Mapping[str, Any]) -> Config:
    family = _architecture(raw).removesuffix("ForCausalLM")
    hidden, heads = _whole(raw, "hidden_size"), _whole(raw, "num_attention_heads")
    bias = _flag(raw, "attention_bias")
    config = Config(
        hidden=hidden,
        intermediate=_whole(raw, "intermediate_size"),
        layers=_whole(raw, "num_hidden_layers", most=MOST_LAYERS),
        heads=heads,
        kv_heads=_whole(raw, "num_key_value_heads", heads),
        head_size=_whole(raw, "head_dim", QWEN3_HEAD if family == "Qwen3" else hidden // heads),
        vocabulary=_whole(raw, "vocab_size"),
        context_tokens=_whole(raw, "max_position_embeddings"),
        eps=_eps(raw),
        rope=_rope(raw),
        tied=_flag(raw, "tie_word_embeddings"),
        qkv_bias=family == "Qwen2" or (family in {"Llama", "Qwen3"} and bias),
        output_bias=family in {"Llama", "Qwen3"} and bias,
        mlp_bias=family == "Llama" and _flag(raw, "mlp_bias"),
        head_norms=family == "Qwen3",
    )
    if heads % config.kv_heads:
        raise ValueError(f"{heads} attention heads cannot share {config.kv_heads} key-value heads")
    if config.head_size % 2:
        raise ValueError(f"head size {config.head_size} is odd")
    turns(config.rope, config.head_size)  # known now rather than when it is loaded
    return config


def _whole(raw: Mapping[str, Any], name: str, default: int | None = None, most: int = MOST) -> int:
    """A number of things, one at least."""
    value = default if raw.get(name) is None else raw[name]
    if value is None:
        raise ValueError(f"'{name}' is missing")
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ValueError(f"'{name}' is {value!r:.40}, not a whole number from 1 to {most}")
    return value


def _flag(raw: Mapping[str, Any], name: str) -> bool:
    value = raw.get(name) or False
    if not isinstance(value, bool):
        raise ValueError(f"'{name}' is {value!r:.40}, not true or false")  # noqa: TRY004 # likewise
    return value


def _eps(raw: Mapping[str, Any]) -> float:
    value = raw.get("rms_norm_eps", 1e-6)
    if not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"'rms_norm_eps' is {value!r:.40}, not a small number")
    return float(value)
