"""What a folder says of a sentence embedding model, in the files of sentence-transformers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
OFFSET = {"camembert", "mpnet", "roberta", "xlm-roberta"}
UNBOUNDED_TOKENS = 1 << 20


@dataclass(frozen=True, slots=True)
class Sentence:
    """Where the model is, how its token vectors become one, and how much it reads.

    `prefix` is put before each text.
    """

    transformer: Path
    pooling: tuple[str, ...]
    context_tokens: int
    padding: int
    prefix: str = ""


def read_sentence(folder: Path) -> Sentence:
    """What the folder says; a folder without modules has the mean of its tokens.

    Raises:
        ValueError: it is no model, or has a module or a pooling not known here.
    """
    modules = {_kind(module): folder / module["path"] for module in _modules(folder)}
    if unknown := sorted(set(modules) - MODULES):
        raise ValueError(f"the embedding model in {folder} has modules not known: {unknown}")
    transformer = modules.get("Transformer", folder)
    config = _json(transformer / "config.json")
    if not config:
        raise ValueError(f"the folder {transformer} is no model: it has no config.json")
    prompts = _json(folder / "config_sentence_transformers.json")
    named = prompts.get("default_prompt_name")
    return Sentence(
        transformer=transformer,
        pooling=_pooling(modules["Pooling"]) if "Pooling" in modules else ("mean",),
        context_tokens=min(_windows(transformer, config), default=UNBOUNDED_TOKENS),
        padding=config.get("pad_token_id") or 0,
        prefix=prompts.get("prompts", {}).get(named, "") if named else "",
    )


def _modules(folder: Path) -> list[dict[str, str]]:
    path = folder / "modules.json"
    try:
        return list(json.loads(path.read_bytes())) if path.is_file() else []
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is no JSON list: {error}") from error


def _kind(module: Mapping[str, str]) -> str:
    return module["type"].rpartition(".")[-1]


def _pooling(folder: Path) -> tuple[str, ...]:
    config = _json(folder / "config.json")
    if isinstance(mode := config.get("pooling_mode"), str):
        modes, unknown = [mode], {mode} - set(POOLING.values())
    else:
        on = {name for name, value in config.items() if value is True and "pooling_mode" in name}
        modes, unknown = [mode for name, mode in POOLING.items() if name in on], on - set(POOLING)
    if unknown or not modes:
        raise ValueError(f"the pooling in {folder} is not known here: {sorted(unknown)}")
    return tuple(modes)


def _windows(folder: Path, config: Mapping[str, Any]) -> Iterator[int]:
    """The limits that the folder's files set, each in its own words."""
    if positions := config.get("max_position_embeddings"):
        before = (config.get("pad_token_id") or 0) + 1 if config["model_type"] in OFFSET else 0
        yield positions - before
    if length := _json(folder / "sentence_bert_config.json").get("max_seq_length"):
        yield length
    if length := _json(folder / "tokenizer_config.json").get("model_max_length"):
        yield int(length)


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes())) if path.is_file() else {}
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is no JSON object: {error}") from error
