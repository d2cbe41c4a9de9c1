"""What the checks read in an answer: its choices, and their messages, texts, calls and counts.

All of them raise `Broken` where there is no such thing, or one of another type.
"""

from typing import Any

from contract_tests.expect import at, cooperate
from contract_tests.server import JSON
from contract_tests.verdict import Unsupported


def choices_of(body: Any) -> list[JSON]:
    """The choices of a body or a chunk."""
    count = len(at(body, "choices", of=list))
    return [at(body, "choices", place, of=dict) for place in range(count)]


def choice_of(body: Any) -> JSON:
    """The first choice."""
    choice: JSON = at(body, "choices", 0, of=dict)
    return choice


def message_of(choice: JSON) -> JSON:
    """The message of a chat's choice."""
    message: JSON = at(choice, "message", of=dict)
    return message


def content_of(choice: JSON) -> str:
    """The text of a chat's choice; empty where it has none."""
    content = message_of(choice).get("content")
    return content if isinstance(content, str) else ""


def steady(text: str, again: Any) -> None:
    """Nothing if the same request at temperature 0 got that text again.

    `again` is an answer's body, or its text.

    Raises:
        Uncooperative: it did not, so that another text elsewhere proves nothing.
    """
    if not isinstance(again, str):
        choice = choice_of(again)
        again = choice["text"] if "text" in choice else content_of(choice)
    cooperate(again == text, "the answer at temperature 0 has changed")


def calls_of(choice: JSON) -> list[JSON]:
    """The tool calls of a chat's choice; none where there is no list of them."""
    calls = message_of(choice).get("tool_calls")
    count = len(at(choice, "message", "tool_calls", of=list)) if calls is not None else 0
    return [at(choice, "message", "tool_calls", place, of=dict) for place in range(count)]


def usage_of(body: Any) -> JSON:
    """The usage, which is optional.

    Raises:
        Unsupported: there is none.
    """
    if at(body, of=dict).get("usage") is None:
        raise Unsupported("the answer has no usage")
    usage: JSON = at(body, "usage", of=dict)
    return usage


def tokens_of(body: Any, name: str = "prompt_tokens") -> int:
    """A count of the usage.

    Raises:
        Unsupported: there is no usage.
    """
    usage_of(body)
    count: int = at(body, "usage", name, of=int)
    return count
