"""The model names that people's code already uses, and the families that OpenAI's belong to."""

import re
from collections.abc import Sequence
from fnmatch import translate

CHAT = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-6.1-sol",
    "gpt-6.1-terra",
    "gpt-6-astra",
    "gpt-6-sol",
    "gpt-6-luna",
    "gpt-5.6-sol",
    "gpt-5.6-terra",
    "gpt-5.6-luna",
    "gpt-5.5",
    "gpt-5.4",
    "gpt-5.4-mini",
    "gpt-5.4-nano",
    "gpt-5.2",
    "gpt-5.1",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "o1",
    "o3",
    "o3-mini",
    "o4-mini",
    "gpt-4-turbo",
    "gpt-4",
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-instruct",
    "mock-1",
    "mock-refusal",
)
REFUSING = "mock-refusal"
EMBEDDING_SIZES = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
MODERATION = ("omni-moderation-latest", "text-moderation-latest")
ALL = (*CHAT, *EMBEDDING_SIZES, *MODERATION)

# OpenAI names models faster than a list can follow: what looks like one is served unlisted. But
# for the short `o5` they end in a letter or a digit, so that a stray newline is not overlooked.
CHAT_FAMILIES = (
    *("gpt-*[a-zA-Z0-9]", "chatgpt-*[a-zA-Z0-9]", "codex-*[a-zA-Z0-9]", "ft:*[a-zA-Z0-9]"),
    *("o[0-9]*", "davinci*[a-zA-Z0-9]", "babbage*[a-zA-Z0-9]", "text-davinci-*[a-zA-Z0-9]"),
)
EMBEDDING_FAMILIES = ("text-embedding-*[a-zA-Z0-9]",)
MODERATION_FAMILIES = ("omni-moderation-*[a-zA-Z0-9]", "text-moderation-*[a-zA-Z0-9]")
FAMILIES = (*CHAT_FAMILIES, *EMBEDDING_FAMILIES, *MODERATION_FAMILIES)


def _pattern(families: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(translate(family) for family in families))


_CHATS, _EMBEDS, _MODERATES = (
    _pattern(families) for families in (CHAT_FAMILIES, EMBEDDING_FAMILIES, MODERATION_FAMILIES)
)


def is_chat_name(model: str) -> bool:
    """Whether that is the name of a model that generates text and does nothing else."""
    return model == REFUSING or _CHATS.match(model) is not None


def is_embedding_name(model: str) -> bool:
    """Whether that is the name of a model that embeds and does nothing else."""
    return _EMBEDS.match(model) is not None


def is_moderation_name(model: str) -> bool:
    """Whether that is the name of a model that moderates and does nothing else."""
    return _MODERATES.match(model) is not None
