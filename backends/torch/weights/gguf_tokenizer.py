"""The tokenizer inside a GGUF file, as the `tokenizers` library writes it.

There are two kinds: byte-level BPE ("gpt2"), whose file names the way text is first split, and
SentencePiece's BPE ("llama"), which gives a score for each piece in place of merges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

if TYPE_CHECKING:
    from backends.torch.weights.gguf_file import GGUF

# The types of a piece: the others are plain, unused or a byte.
UNKNOWN, CONTROL, USER_DEFINED = 2, 3, 4

_CASED = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = _CASED + r"\p{N}{1,3}" + _REST
QWEN2 = _CASED + r"\p{N}" + _REST


def tokenizer_of(gguf: GGUF) -> Tokenizer:
    """The tokenizer.

    Raises:
        ValueError: it is of a kind not known here.
    """
    kind = gguf["tokenizer.ggml.model"]
    if kind == "gpt2":
        tokenizer = _byte_level(gguf)
    elif kind == "llama":
        tokenizer = _sentencepiece(gguf)
    else:
        raise ValueError(f"its tokenizer is {kind!r}; known are 'gpt2' and 'llama'")
    _add(tokenizer, gguf)
    return tokenizer


def tokenizer_config_of(gguf: GGUF) -> dict[str, Any]:
    """The `tokenizer_config.json`: the names of the special tokens."""
    pieces = gguf["tokenizer.ggml.tokens"]
    names = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
    ids = {name: gguf.get(f"tokenizer.ggml.{theirs}_token_id") for name, theirs in names.items()}
    named = {f"{name}_token": pieces[token] for name, token in ids.items() if token is not None}
    return {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": _adds_bos(gguf), **named}


def _vocabulary(gguf: GGUF) -> dict[str, int]:
    return {piece: token for token, piece in enumerate(gguf["tokenizer.ggml.tokens"])}


def _byte_level(gguf: GGUF) -> Tokenizer:
    pre = gguf.get("tokenizer.ggml.pre", "gpt-2")
    merges = [tuple(merge.split(" ", 1)) for merge in gguf["tokenizer.ggml.merges"]]
    llama3 = pre in {"llama-bpe", "llama3"}
    tokenizer = Tokenizer(models.BPE(vocab=_vocabulary(gguf), merges=merges, ignore_merges=llama3))
    tokenizer.pre_tokenizer = _splitting(pre)
    if pre in {"qwen2", "deepseek-r1-qwen"}:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _splitting(pre: str) -> pre_tokenizers.PreTokenizer:
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    if pre == "gpt-2":
        return pre_tokenizers.ByteLevel(add_prefix_space=False)
    if pre == "smollm":
        digits = pre_tokenizers.Digits(individual_digits=True)
        return pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    if pre in {"llama-bpe", "llama3"}:
        return pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(LLAMA3), "isolated"), bytes_only]
        )
    if pre in {"qwen2", "deepseek-r1-qwen"}:
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), "isolated"), bytes_only])
    raise ValueError(f"its tokenizer splits text as {pre!r}, which is not known here")


def _sentencepiece(gguf: GGUF) -> Tokenizer:
    vocabulary = _vocabulary(gguf)
    scores = dict(zip(vocabulary, gguf["tokenizer.ggml.scores"], strict=True))
    unknown = gguf["tokenizer.ggml.tokens"][gguf.get("tokenizer.ggml.unknown_token_id", 0)]
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=_merges(scores, vocabulary),
            unk_token=unknown,
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    prefix = gguf.get("tokenizer.ggml.add_space_prefix", True)
    spaces = normalizers.Replace(" ", "▁")
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), spaces] if prefix else [spaces]
    )
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if prefix else steps)
    return tokenizer


def _merges(scores: dict[str, float], vocabulary: dict[str, int]) -> list[tuple[str, str]]:
    """The merges that SentencePiece's scores stand for: the better a whole, the sooner it is made.

    Two ways to the same whole come in the order of their parts.
    """
    found = []
    for piece, score in scores.items():
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in vocabulary and right in vocabulary:
                found.append((-score, vocabulary[left], vocabulary[right], left, right))
    return [(left, right) for *_, left, right in sorted(found)]


def _add(tokenizer: Tokenizer, gguf: GGUF) -> None:
    """Make the control tokens special, and put the first in front where the model wants it."""
    pieces = gguf["tokenizer.ggml.tokens"]
    types = gguf.get("tokenizer.ggml.token_type", [])
    special = [piece for piece, kind in zip(pieces, types, strict=False) if kind == CONTROL]
    plain = [piece for piece, kind in zip(pieces, types, strict=False) if kind == USER_DEFINED]
    tokenizer.add_special_tokens([AddedToken(piece, normalized=False) for piece in special])
    tokenizer.add_tokens([AddedToken(piece, normalized=False) for piece in plain])
    if _adds_bos(gguf):
        token = gguf["tokenizer.ggml.bos_token_id"]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{pieces[token]} $A",
            pair=f"{pieces[token]} $A {pieces[token]} $B",
            special_tokens=[(pieces[token], token)],
        )


def _adds_bos(gguf: GGUF) -> bool:
    """Whether a text begins with a token of its own; left out, the tokenizer's kind decides."""
    wont = gguf["tokenizer.ggml.model"] != "llama" and gguf.get("tokenizer.ggml.pre") != "llama-bpe"
    return bool(gguf.get("tokenizer.ggml.add_bos_token", not wont))
