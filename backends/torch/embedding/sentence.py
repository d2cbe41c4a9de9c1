"""What a folder says of a sentence embedding model, in the files of sentence-transformers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backends.torch.models.config import packed_by, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

POOLING = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "lasttoken",
}
# Every vector is brought to length one, whether a module says so or not.
MODULES = {"Transformer", "Pooling", "Normalize"}
# These count positions from behind the padding's id.
OFFSET = {
    *("camembert", "data2vec-text", "ibert", "longformer", "mpnet", "roberta"),
    *("roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod"),
}
UNBOUNDED_TOKENS = 1 << 20


@dataclass(frozen=True, slots=True)
class Sentence:
    """Where the model is, how its token vectors become one, and how much it reads.

    `prefix` is put before each text; with `lower` it reads small letters alone.
    """

    transformer: Path
    pooling: tuple[str, ...]
    context_tokens: int
    padding: int
    prefix: str = ""
    lower: bool = False

    def read(self, text: str) -> str:
        """A text as the model reads it."""
        whole = self.prefix + text
        return whole.lower() if self.lower else whole


def read_sentence(folder: Path) -> Sentence:
    """What the folder says; a folder without modules has the mean of its tokens.

    Raises:
        ValueError: it is no model, or has a module or a pooling not known here.
    """
    modules = dict(_modules(folder))
    if unknown := sorted(set(modules) - MODULES):
        raise ValueError(f"the embedding model in {folder} has modules not known: {unknown}")
    transformer = modules.get("Transformer", folder)
    config = read_json(transformer / "config.json")
    if method := packed_by(config):
        raise ValueError(f"{transformer}: its weights are quantised ({method})")
    prefix = _prefix(folder)
    settings = _optional(transformer / "sentence_bert_config.json")
    return Sentence(
        transformer=transformer,
        pooling=_pooling(modules["Pooling"], prefix) if "Pooling" in modules else ("mean",),
        context_tokens=min(_windows(transformer, config, settings), default=UNBOUNDED_TOKENS),
        padding=_count(config, "pad_token_id", transformer),
        prefix=prefix,
        lower=settings.get("do_lower_case") is True,
    )


def _modules(folder: Path) -> Iterator[tuple[str, Path]]:
    """The kind of each module and its folder."""
    path = folder / "modules.json"
    if not path.is_file():
        return
    try:
        modules = [(str(one["type"]), str(one["path"])) for one in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON list of modules: {error}") from error
    for kind, place in modules:
        yield kind.rpartition(".")[-1], folder / place


def _prefix(folder: Path) -> str:
    """The prompt that the model wants before a text, if nobody names another."""
    path = folder / "config_sentence_transformers.json"
    config = _optional(path)
    name, prompts = config.get("default_prompt_name"), config.get("prompts") or {}
    if name is None:
        return ""
    if not isinstance(prompts, dict) or not isinstance(prompt := prompts.get(str(name)), str):
        raise ValueError(f"{path}: there is no prompt {name!r:.40}")  # noqa: TRY004 - the file's, not ours
    return prompt


def _pooling(folder: Path, prefix: str) -> tuple[str, ...]:
    config = _optional(folder / "config.json")
    if isinstance(mode := config.get("pooling_mode"), str):
        modes, unknown = [mode], {mode} - set(POOLING.values())
    else:
        on = {name for name, value in config.items() if value is True and "pooling_mode" in name}
        modes, unknown = [mode for name, mode in POOLING.items() if name in on], on - set(POOLING)
    if unknown or not modes:
        raise ValueError(f"the pooling in {folder} is not known here: {sorted(unknown)}")
    if prefix and config.get("include_prompt", True) is not True:
        raise ValueError(f"the pooling in {folder} leaves its prompt out, which is not known here")
    return tuple(modes)


def _windows(folder: Path, config: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[int]:
    """The limits that the folder's files set, each in its own words."""
    if positions := _count(config, "max_position_embeddings", folder):
        offset = str(config.get("model_type")) in OFFSET
        yield positions - (_count(config, "pad_token_id", folder) + 1 if offset else 0)
    if length := _count(settings, "max_seq_length", folder):
        yield length
    if length := _count(_optional(folder / "tokenizer_config.json"), "model_max_length", folder):
        yield length


def _count(config: Mapping[str, Any], name: str, folder: Path) -> int:
    """A whole number, 0 where nothing is said."""
    value = config.get(name) or 0
    if not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"{folder}: {name!r} is {value!r:.40}, not a number")
    return int(value)


def _optional(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}
