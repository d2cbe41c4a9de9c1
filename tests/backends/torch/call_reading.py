"""Tools, and reading the calls of them, for the tests of calls."""

from collections.abc import Sequence

from backends.protocol import Event, TextDelta, Tool, ToolCallDelta
from backends.torch.grammar.calls import CallReader

WEATHER = Tool(
    "get_weather",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 9}, "days": {"type": "integer"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    param="tools.0.function.parameters",
)
PREFIX = Tool("get", parameters={"properties": {"on": {"type": "boolean"}}, "required": ["on"]})
BARE = Tool("stop")
NOTE = Tool("note", kind="custom", param="tools.3.custom.format")
TOOLS = [WEATHER, PREFIX, BARE, NOTE]

Call = tuple[str, str]


def read(pieces: Sequence[str]) -> tuple[str, list[Call], list[Event]]:
    """The joined text and calls of the pieces, and every event."""
    reader = CallReader(TOOLS)
    events = [event for piece in pieces for event in reader.push(piece)] + reader.finish()
    text = ""
    calls: list[Call] = []
    for event in events:
        if isinstance(event, TextDelta):
            text += event.text
        elif isinstance(event, ToolCallDelta):
            if event.name is not None:
                assert event.index == len(calls)
                calls.append((event.name, ""))
            name, arguments = calls[event.index]
            calls[event.index] = name, arguments + event.arguments
    assert reader.called == bool(calls)
    counts = [event.tokens or 0 for event in events if isinstance(event, TextDelta | ToolCallDelta)]
    assert sum(counts) == len(pieces)
    return text, calls, events
