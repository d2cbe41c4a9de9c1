"""What an exchange took: as its answer tells, or an estimate.

A stream tells none unless the client asks for it, and one that breaks off never does. Counted as
they tell, those would be free.
"""

from typing import Any

import orjson

from adapter.exchange import Exchange

CHARACTERS_PER_TOKEN = 4
PROMPTS = ("messages", "prompt", "input", "instructions")


def count_usage(exchange: Exchange, told: Any) -> None:  # noqa: ANN401 - JSON of any shape
    """Note the usage that an answer, or the last event of a stream, tells of."""
    if not isinstance(told, dict):
        return
    # The events of the Responses API hold the response.
    response = told.get("response")
    usage = told.get("usage") or (response.get("usage") if isinstance(response, dict) else None)
    if isinstance(usage, dict):
        given = usage.get("prompt_tokens", usage.get("input_tokens"))
        made = usage.get("completion_tokens", usage.get("output_tokens", 0))
        if isinstance(given, int) and isinstance(made, int):
            exchange.count(given, made)


def prompt_estimate(body: bytes) -> int:
    """About how many tokens the prompt of a request has, by the length of its texts."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return 0
    if not isinstance(fields, dict):
        return 0
    characters = sum(_characters(fields.get(name)) for name in PROMPTS)
    return -(-characters // CHARACTERS_PER_TOKEN)


def _characters(value: Any) -> int:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(map(_characters, value))
    if isinstance(value, dict):
        return sum(_characters(value.get(name)) for name in ("content", "text"))
    return 0
