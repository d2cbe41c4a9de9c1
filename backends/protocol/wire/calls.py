"""The calls that a model made: it answers with them, and a client sends them back."""

from typing import Annotated, Literal

from pydantic import Tag

from backends.protocol.wire.model import WireModel
from backends.protocol.wire.unions import by_field


class FunctionCall(WireModel):
    """A called function; the arguments are JSON as the model wrote it, valid or not."""

    name: str
    arguments: str


class ChatCompletionMessageToolCall(WireModel):
    """A call of a function."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class CustomCall(WireModel):
    """A called custom tool and the text it was given."""

    name: str
    input: str


class ChatCompletionMessageCustomToolCall(WireModel):
    """A call of a custom tool."""

    id: str
    type: Literal["custom"]
    custom: CustomCall


ToolCall = Annotated[
    Annotated[ChatCompletionMessageToolCall, Tag("<function>")]
    | Annotated[ChatCompletionMessageCustomToolCall, Tag("<custom>")],
    by_field("type"),
]
