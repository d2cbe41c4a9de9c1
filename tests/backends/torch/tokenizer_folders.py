"""Small tokenizers as folders: one whose words carry the space before them, and others."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

TEXTS = ["the cat sat on the mat", "a kitten is a small cat", "Bond, James Bond", "é is a letter"]
SPECIAL = ["<unk>", "<s>", "</s>"]


def write(
    folder: Path, tokenizer: Tokenizer, settings: dict[str, Any] | None = None, **files: Any
) -> Path:
    """A folder with a tokenizer, its config, and other files of JSON by their stems."""
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    for name, content in {"tokenizer_config": settings or {}, **files}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def metaspace() -> Tokenizer:
    """A tokenizer as Llama 2 has it: `▁` for a space, and a token for each byte."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    trained.train_from_iterator(TEXTS * 5, trainers.BpeTrainer(vocab_size=120, show_progress=False))
    content = json.loads(trained.to_str())["model"]
    pieces = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces += sorted(content["vocab"], key=content["vocab"].__getitem__)
    made = Tokenizer(
        models.BPE(
            vocab={piece: token for token, piece in enumerate(pieces)},
            merges=[tuple(merge) for merge in content["merges"]],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    made.normalizer = trained.normalizer
    made.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    made.add_special_tokens(SPECIAL)
    return made


def byte_level(*special: str) -> Tokenizer:
    """A byte-level tokenizer that knows nothing but bytes, and these special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(
        models.BPE(vocab={piece: token for token, piece in enumerate(alphabet)}, merges=[])
    )
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(special))
    return made


def words() -> Tokenizer:
    """A word-piece tokenizer as BERT has it, whose decoder is none of the usual."""
    vocabulary = ["[UNK]", "cat", "kit", "##ten", "bond", "a"]
    made = Tokenizer(
        models.WordPiece(
            {piece: token for token, piece in enumerate(vocabulary)}, unk_token="[UNK]"
        )
    )
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    return made
