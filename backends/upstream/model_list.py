"""An upstream's list of models, in each of the shapes that servers give it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from backends.upstream.errors import bad_gateway

LATEST_S = 2**53
NAMES = ("id", "name", "model")


def entries_of(answer: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON of any shape
    """The models of an answer, each with a text as its `id`; what names none is left out.

    The list stands at `data` (OpenAI), at `models` (Ollama and others) or alone (Together). An
    entry is an object with an `id`, a `name` or a `model`, or the name itself. `null`, which Go
    writes for no entries, is an empty list.

    Raises:
        APIError: 502, it holds no list.
    """
    if isinstance(answer, dict):
        found = [answer[name] for name in ("data", "models") if name in answer]
        listed = next((one for one in found if isinstance(one, list)), None)
        if listed is None and found and found[0] is None:
            return []
    else:
        listed = answer
    if not isinstance(listed, list):
        raise bad_gateway("The upstream's list of models cannot be read.")
    return list(_named(listed))


def _named(listed: list[Any]) -> Iterator[dict[str, Any]]:
    for one in listed:
        entry = {"id": one} if isinstance(one, str) else one
        if not isinstance(entry, dict):
            continue
        names = (entry.get(name) for name in NAMES)
        name = next((name for name in names if isinstance(name, str) and name), None)
        if name is not None:
            yield {**entry, "id": name}


def owner_of(entry: dict[str, Any]) -> str:
    """Who owns a model, where the upstream says so."""
    owner = entry.get("owned_by")
    return owner if isinstance(owner, str) else "upstream"


def created_s(value: Any) -> int:  # noqa: ANN401 - JSON of any shape
    """When a model was made, in Unix seconds: a number or a date as text; 0 where it is neither."""
    if isinstance(value, str):
        value = _seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return 0
    return int(min(max(0, value), LATEST_S))


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        date = datetime.fromisoformat(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0
