"""Small GGUF files, written as llama.cpp writes them from a model of transformers."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGUFWriter
from torch import Tensor

from backends.torch.weights.gguf_config import INNER, OUTER

HIDDEN, HEADS, KV_HEADS, LAYERS, INTERMEDIATE = 32, 4, 2, 2, 64
HUGGING_FACE = {name: theirs for theirs, name in (OUTER | INNER).items()}


def tiny(family: str, vocabulary: int) -> Any:
    """A random model of a family, by transformers."""
    from transformers import AutoConfig, AutoModelForCausalLM  # noqa: PLC0415 - takes a second

    torch.manual_seed(0)
    config = AutoConfig.for_model(
        family,
        vocab_size=vocabulary,
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        head_dim=HIDDEN // HEADS,
        max_position_embeddings=128,
        tie_word_embeddings=False,
    )
    model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call] # has no types
    for weight in model.parameters():  # what a file in bf16 can hold
        weight.data = torch.randn_like(weight).bfloat16().float() * 0.25
    return model.eval()


def write(
    path: Path,
    family: str,
    model: Any,
    tokenizer: dict[str, Any],
    *,
    more: dict[str, Any] | None = None,
    factors: list[float] | None = None,
) -> Path:
    """The model as a GGUF file, with its tokenizer, more metadata, and Llama 3's rotary factors."""
    writer = GGUFWriter(path, family)
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INTERMEDIATE)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HIDDEN // HEADS)
    writer.add_layer_norm_rms_eps(model.config.rms_norm_eps)
    writer.add_rope_freq_base(model.config.rope_parameters["rope_theta"])
    named = {f"tokenizer.ggml.{name}": value for name, value in tokenizer.items()}
    for name, value in (named | (more or {})).items():
        _add(writer, name, value)
    if factors is not None:
        writer.add_tensor("rope_freqs.weight", np.array(factors, dtype=np.float32))
    for name, weight in model.state_dict().items():
        content = weight
        if family == "llama" and ("q_proj" in name or "k_proj" in name):
            content = interleaved(weight, HEADS if "q_proj" in name else KV_HEADS)
        writer.add_tensor(_name(name), content.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def interleaved(weight: Tensor, heads: int) -> Tensor:
    """The rows of each head as GGUF has Llama's: of each half in turn."""
    size = weight.shape[0] // heads
    order = [half * size // 2 + index for index in range(size // 2) for half in range(2)]
    rows = [head * size + row for head in range(heads) for row in order]
    return weight[rows].contiguous()


def _add(writer: GGUFWriter, name: str, value: Any) -> None:
    if isinstance(value, bool):
        writer.add_bool(name, value)
    elif isinstance(value, float):
        writer.add_float32(name, value)
    elif isinstance(value, int):
        writer.add_uint32(name, value)
    elif isinstance(value, str):
        writer.add_string(name, value)
    else:
        writer.add_array(name, value)


def _name(name: str) -> str:
    stem, _, kind = name.rpartition(".")
    if stem in HUGGING_FACE:
        return f"{HUGGING_FACE[stem]}.{kind}"
    _, _, layer, rest = stem.split(".", 3)
    return f"blk.{layer}.{HUGGING_FACE[rest]}.{kind}"


def byte_level(pre: str = "gpt-2") -> dict[str, Any]:
    """A byte-level tokenizer of single bytes, one merge and an end."""
    from tokenizers.pre_tokenizers import ByteLevel  # noqa: PLC0415 - the caller's kind of file

    tokens = ["<|end|>", *sorted(ByteLevel.alphabet()), "th"]
    types = [3] + [1] * (len(tokens) - 1)
    return {
        "model": "gpt2",
        "pre": pre,
        "tokens": tokens,
        "token_type": types,
        "merges": ["t h"],
        "bos_token_id": 0,
        "eos_token_id": 0,
    }


def sentencepiece() -> dict[str, Any]:
    """A SentencePiece tokenizer: each byte, and pieces with scores."""
    pieces = ["▁", "a", "c", "t", "at", "cat", "▁cat", "ca"]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    plain = [0.0, 0.0, 0.0, 0.0, -1.0, -2.0, -3.0, -4.0]
    return {
        "model": "llama",
        "tokens": tokens,
        "token_type": [2, 3, 3] + [6] * 256 + [1] * len(pieces),
        "scores": np.array([0.0] * 259 + plain, dtype=np.float32).tolist(),
        "bos_token_id": 1,
        "eos_token_id": 2,
        "unknown_token_id": 0,
    }
