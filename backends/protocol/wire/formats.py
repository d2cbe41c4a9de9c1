"""What the text of an answer must look like."""

from typing import Annotated, Any, Literal

from pydantic import Field, Tag

from backends.protocol.wire.model import Omittable, WireModel
from backends.protocol.wire.names import FunctionName
from backends.protocol.wire.unions import by_field


class ResponseFormatText(WireModel):
    """Any text."""

    type: Literal["text"]


class ResponseFormatJsonObject(WireModel):
    """Some JSON object."""

    type: Literal["json_object"]


class JsonSchema(WireModel):
    """A named JSON schema, which this room does not check."""

    name: FunctionName
    description: Omittable[str] = None
    schema_: Omittable[dict[str, Any]] = Field(None, alias="schema")
    strict: bool | None = None


class ResponseFormatJsonSchema(WireModel):
    """JSON that a schema describes."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


ResponseFormat = Annotated[
    Annotated[ResponseFormatText, Tag("<text>")]
    | Annotated[ResponseFormatJsonSchema, Tag("<json_schema>")]
    | Annotated[ResponseFormatJsonObject, Tag("<json_object>")],
    by_field("type"),
]
