"""The weights of a Hugging Face folder as GGUF, for the engines that read nothing else.

Run by our Python, with the folder, the number format and the file to write. It knows the Llama
family with a byte-level tokenizer, which is that of the benchmark.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType, TokenType, quantize
from safetensors.torch import load_file
from torch import Tensor

from backends.torch.weights.gguf_config import INNER, OUTER

FORMATS = {"bf16": "BF16", "f16": "F16", "q8_0": "Q8_0"}
SPLITTING = "smollm"


def write(folder: Path, kind: str, path: Path) -> None:
    """The file, with matrices in the format, and vectors in float32."""
    config = json.loads((folder / "config.json").read_text())
    writer = GGUFWriter(path, "llama")
    file_types = {"bf16": "MOSTLY_BF16", "f16": "MOSTLY_F16", "q8_0": "MOSTLY_Q8_0"}
    writer.add_file_type(LlamaFileType[file_types[kind]])
    _shape(writer, config)
    _tokenizer(writer, folder, config)
    packing = GGMLQuantizationType[FORMATS[kind]]
    for name, tensor in _tensors(load_file(folder / "model.safetensors"), config):
        numbers = tensor.float().numpy()
        if tensor.dim() == 1:
            writer.add_tensor(name, numbers)
        else:
            writer.add_tensor(name, quantize(numbers, packing), raw_dtype=packing)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _shape(writer: GGUFWriter, config: dict[str, Any]) -> None:
    heads = config["num_attention_heads"]
    writer.add_name("model")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    rope = config.get("rope_parameters") or config
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_rope_dimension_count(config.get("head_dim") or config["hidden_size"] // heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])


def _tokenizer(writer: GGUFWriter, folder: Path, config: dict[str, Any]) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    pieces = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
    special = {one["content"] for one in tokenizer["added_tokens"] if one["special"]}
    merges = tokenizer["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(SPLITTING)
    writer.add_token_list([piece for piece, _ in pieces])
    writer.add_token_types(
        [TokenType.CONTROL if piece in special else TokenType.NORMAL for piece, _ in pieces]
    )
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in merges])
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    template = folder / "chat_template.jinja"
    if template.is_file():
        writer.add_chat_template(template.read_text())


def _tensors(weights: dict[str, Tensor], config: dict[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """GGUF's names, and its order of the dimensions that are turned with one another."""
    names = {theirs: ours for ours, theirs in OUTER.items()}
    for layer in range(config["num_hidden_layers"]):
        for ours, theirs in INNER.items():
            names[f"model.layers.{layer}.{theirs}"] = f"blk.{layer}.{ours}"
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    for name, tensor in weights.items():
        stem, _, kind = name.rpartition(".")
        turned = heads.get(stem.rpartition(".")[2])
        yield f"{names[stem]}.{kind}", _pairs(tensor, turned) if turned else tensor


def _pairs(rows: Tensor, heads: int) -> Tensor:
    """Rows [H D, …] with 2i turned with 2i + 1, where Hugging Face has i with i + D/2."""
    halves = rows.view(heads, 2, -1, *rows.shape[1:])  # [H, 2, D/2, …]
    return halves.transpose(1, 2).reshape(rows.shape).contiguous()


if __name__ == "__main__":
    torch.set_num_threads(1)
    write(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
