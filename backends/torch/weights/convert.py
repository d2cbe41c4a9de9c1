"""A GGUF file as a Hugging Face folder with weights in bf16."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from backends.torch.weights.failure import said
from backends.torch.weights.gguf_config import (
    ROPE_FACTORS,
    config_of,
    eos_of,
    hugging_face_name,
)
from backends.torch.weights.gguf_file import GGUF, read
from backends.torch.weights.gguf_tokenizer import tokenizer_config_of, tokenizer_of
from backends.torch.weights.progress import bar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

CONVERSION = 1  # raised when what comes out changes, so that kept folders are made anew
SHARD_BYTES = 2 * 10**9  # what is in memory at once
BF16_BYTES = 2


def convert(source: Path, folder: Path) -> None:
    """Fill `folder` with config, tokenizer and weights of a GGUF file.

    Raises:
        ValueError: the file is broken, or of a family or with a tokenizer not known here.
    """
    gguf = read(source)
    try:
        config = config_of(gguf)
        tokenizer = tokenizer_of(gguf)
        _write(folder / "config.json", config)
        tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
        _write(folder / "tokenizer_config.json", tokenizer_config_of(gguf))
        ends = {"bos_token_id": config["bos_token_id"], "eos_token_id": eos_of(gguf)}
        _write(folder / "generation_config.json", ends)
        if template := gguf.get("tokenizer.chat_template"):
            (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
        _weights(gguf, folder, config, f"Converting {source.name} to bf16")
    except (OSError, SafetensorError):  # the cache's, not the file's
        raise
    except Exception as error:  # a field may be of any type, and the libraries raise anything
        raise ValueError(f"cannot convert {source.name}: {said(error)}") from error


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _weights(gguf: GGUF, folder: Path, config: dict[str, Any], label: str) -> None:
    """Write the tensors, in as many files as it takes to keep little in memory."""
    from safetensors.torch import save_file  # noqa: PLC0415 - after the metadata is found good

    shards = list(_shards(gguf))
    places: dict[str, str] = {}
    with bar(label, sum(tensor.n_elements for tensor in gguf.tensors.values())) as progress:
        for number, names in enumerate(shards, 1):
            of = f"-{number:05}-of-{len(shards):05}" if len(shards) > 1 else ""
            content = {}
            for name in names:
                content[hugging_face_name(name)] = _bf16(gguf, name, config)
                progress.update(int(gguf.tensors[name].n_elements))
            file = folder / f"model{of}.safetensors"
            save_file(content, file, metadata={"format": "pt"})
            shutil.copymode(folder / "config.json", file)  # or its owner alone may read it
            places |= dict.fromkeys(content, file.name)
    if len(shards) > 1:
        _write(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": places})


def _shards(gguf: GGUF) -> Iterator[list[str]]:
    shard: list[str] = []
    room = SHARD_BYTES
    for name, tensor in gguf.tensors.items():
        if name == ROPE_FACTORS:  # it stands in the config
            continue
        size = int(tensor.n_elements) * BF16_BYTES
        if shard and size > room:
            yield shard
            shard, room = [], SHARD_BYTES
        shard.append(name)
        room -= size
    yield shard


def _bf16(gguf: GGUF, name: str, config: dict[str, Any]) -> Tensor:
    import torch  # noqa: PLC0415 - after the metadata is found good

    tensor = torch.tensor(gguf.unpacked(name), dtype=torch.bfloat16)
    if gguf.architecture == "llama" and ".attn_q." in name:
        tensor = _halves(tensor, config["num_attention_heads"])
    elif gguf.architecture == "llama" and ".attn_k." in name:
        tensor = _halves(tensor, config["num_key_value_heads"])
    return tensor.contiguous()


def _halves(rows: Tensor, heads: int) -> Tensor:
    """Rows [H D, …] with dimension i of a head turned with i + D/2, where GGUF has 2i with 2i + 1.

    Of the families known here, GGUF rearranges Llama's alone.
    """
    pairs = rows.view(heads, -1, 2, *rows.shape[1:])  # [H, D/2, 2, …]
    return pairs.transpose(1, 2).reshape(rows.shape)
