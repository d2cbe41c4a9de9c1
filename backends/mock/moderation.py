"""Judgements by a list of words: no model, but flags that a test can raise at will."""

import re

from backends.protocol import Moderation, ModerationInput

QUIET, LOUD, THRESHOLD = 0.0001, 0.97, 0.5
WORDS = {
    "harassment": "idiot|stupid|loser|pathetic",
    "harassment/threatening": "i will hurt you|watch your back",
    "hate": "inferior race|subhuman|vermin",
    "hate/threatening": "exterminate them|wipe them out",
    "illicit": "launder money|forge a passport|steal",
    "illicit/violent": "build a bomb|make a weapon",
    "self-harm": "suicide|self-harm|cut myself",
    "self-harm/intent": "kill myself|end my life",
    "self-harm/instructions": "how to cut myself|ways to kill myself",
    "sexual": "porn|erotic|nude",
    "sexual/minors": "child porn|underage sex",
    "violence": "kill|murder|stab|shoot|bomb",
    "violence/graphic": "gore|dismember|behead",
}
IMAGE_CATEGORIES = frozenset(
    {"self-harm", "self-harm/intent", "self-harm/instructions"}
    | {"sexual", "violence", "violence/graphic"}
)
_PATTERNS = {category: re.compile(rf"\b(?:{words})") for category, words in WORDS.items()}


def moderate(judged: ModerationInput) -> Moderation:
    """A loud score where a category's word stands in the text; an image alone raises none."""
    text = judged.text.lower()
    scores = {
        category: LOUD if pattern.search(text) else QUIET for category, pattern in _PATTERNS.items()
    }
    flagged = frozenset(name for name, score in scores.items() if score > THRESHOLD)
    applied = {name: _kinds(name, judged) for name in scores}
    return Moderation(scores, flagged, applied)


def _kinds(category: str, judged: ModerationInput) -> list[str]:
    text = ["text"] if judged.text or not judged.image_urls else []
    image = ["image"] if judged.image_urls and category in IMAGE_CATEGORIES else []
    return [*text, *image]
