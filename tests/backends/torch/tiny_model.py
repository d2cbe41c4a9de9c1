"""A model that says nonsense quickly, with SmolLM2's tokenizer: for tests of all but the text."""

import shutil
from pathlib import Path

import torch
import transformers

VOCABULARY = 49_152
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


def tiny_model(folder: Path, smollm2: Path) -> Path:
    """A Llama with random weights in `folder`, which is made."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=8192,
        initializer_range=0.3,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    for path in smollm2.iterdir():
        if path.name in TOKENIZER_FILES or path.suffix == ".jinja":
            shutil.copy(path, folder)
    return folder
