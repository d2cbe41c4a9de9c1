"""What an upstream says in a refusal, whatever form it has.

{"error": {"message", "type", "param", "code"}}     OpenAI
{"error": "text"}, {"message": "text"}, {"detail": "text"}, {"title", "detail"}
{"detail": [{"loc": ["body", "n"], "msg": "text"}]}  FastAPI
[{"error": {…}}], {"errors": [{…} or "text", …]}     Google, JSON:API
plain text, the title of a page of HTML
"""

import html
import re
from dataclasses import dataclass
from typing import Any

import orjson

WORDS = (
    *("message", "msg", "error_message", "errorMessage", "error_description", "Message"),
    *("detail", "details", "error", "errors", "fault", "faultstring", "description", "reason"),
    *("title", "response", "body"),
)
DEEPEST, MOST = 6, 5
WHERE = ("body", "query", "path", "header")  # FastAPI's first word of a place
TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<[^>]*>")
HTML = re.compile(r"\s*(?:<!doctype html|<html|<head|<body|<\?xml)", re.IGNORECASE)
TRACEBACK = "Traceback (most recent call last)"


@dataclass(slots=True)
class Words:
    """What is said: each None where nothing is."""

    message: str | None = None
    type: str | None = None
    param: str | None = None
    code: str | None = None


def words_of(body: bytes) -> Words:
    """What the body of a refusal says."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Words(_plain(body.decode(errors="replace")))
    words = Words(_said(document, 0))
    source = _source(document, 0)
    words.type, words.param, words.code = (_text(source.get(n)) for n in ("type", "param", "code"))
    if words.param is None:
        words.param = _place(source.get("detail"))
    return words


def _source(document: Any, depth: int) -> dict[str, Any]:  # noqa: ANN401 - JSON of any shape
    """The innermost object that has the members of an envelope."""
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return {}
    for name in ("error", "errors", "detail"):
        if depth < DEEPEST and (inner := _source(document.get(name), depth + 1)):
            return document if "loc" in inner else inner
    return document


def _said(value: Any, depth: int) -> str | None:  # noqa: ANN401 - JSON of any shape
    """The words in a JSON value: the text itself, or those of the member that has some."""
    if isinstance(value, str):
        return _plain(value)
    if depth > DEEPEST:
        return None
    if isinstance(value, list):
        return "; ".join(filter(None, (_item(one, depth + 1) for one in value[:MOST]))) or None
    if not isinstance(value, dict):
        return None
    for name in WORDS:
        if name in value and (said := _said(value[name], depth + 1)):
            return said
    # {"errors": {"name": ["is missing"]}}: the members are the places.
    found = [f"{name}: {said}" for name, one in value.items() if (said := _listed(one, depth + 1))]
    return "; ".join(found[:MOST]) or None


def _item(value: Any, depth: int) -> str | None:  # noqa: ANN401 - JSON of any shape
    said = _said(value, depth)
    place = _place([value])
    return f"{place}: {said}" if said and place else said


def _listed(value: Any, depth: int) -> str | None:  # noqa: ANN401 - JSON of any shape
    return _said(value, depth) if isinstance(value, list | dict) else None


def _place(detail: Any) -> str | None:  # noqa: ANN401 - JSON of any shape
    """Where FastAPI found the first fault, as OpenAI writes a `param`."""
    first = detail[0] if isinstance(detail, list) and detail else None
    place = first.get("loc") if isinstance(first, dict) else None
    if not isinstance(place, list):
        return None
    named = place[1:] if place[:1] and place[0] in WHERE else place
    return _text(".".join(str(part) for part in named)) or None


def _plain(text: str) -> str | None:
    """A text in one line; of a page of HTML its title; of a program's traceback nothing."""
    if HTML.match(text):
        title = TITLE.search(text)
        text = html.unescape(TAG.sub(" ", title.group(2))) if title else ""
    if TRACEBACK in text:
        return None
    words = " ".join(text.split())
    readable = "".join(one for one in words if one.isprintable() and one != "\ufffd")
    return readable if len(readable) * 2 > len(words) else None


def _text(value: object) -> str | None:
    return value[:100] if isinstance(value, str) and value else None
