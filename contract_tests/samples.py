"""What the checks send, and where: a tool, a schema, a picture, a sound, a file."""

import base64
import struct
import zlib
from typing import Any

JSON = dict[str, Any]

CHAT = "/chat/completions"
COMPLETIONS = "/completions"
EMBEDDINGS = "/embeddings"
MODERATIONS = "/moderations"
MODELS = "/models"
NO_MODEL = "no-such-model-2f1c"


def tool(name: str, properties: JSON | None = None, **extra: Any) -> JSON:
    """A function tool, all of whose properties are required."""
    parameters = {
        "type": "object",
        "properties": properties or {},
        "required": list(properties or {}),
        "additionalProperties": False,
    }
    function = {"name": name, "description": f"Does {name}.", "parameters": parameters, **extra}
    return {"type": "function", "function": function}


WEATHER = tool("get_weather", {"city": {"type": "string"}})
TIME = tool("get_time", {"zone": {"type": "string"}})
# A custom tool, and the `tool_choice` that names it.
NOTE: JSON = {"type": "custom", "custom": {"name": "note"}}
ASK_WEATHER = "What is the weather in Paris? Use the tool."
ASK_BOTH = "What is the weather in Paris, and what is the time in Tokyo? Use both tools."


def chosen(name: str) -> JSON:
    """The `tool_choice` that names a function."""
    return {"type": "function", "function": {"name": name}}


SCHEMA: JSON = {
    "name": "colour",
    "strict": True,
    "schema": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "warm": {"type": "boolean"}},
        "required": ["name", "warm"],
        "additionalProperties": False,
    },
}


def json_schema(schema: JSON, name: str = "answer") -> JSON:
    """A strict `response_format` of that schema."""
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "strict": True, "schema": schema},
    }


def closed(value: JSON, **beside: Any) -> JSON:
    """The schema of an object that has one `value`, and nothing else."""
    return {
        "type": "object",
        "properties": {"value": value},
        "required": ["value"],
        "additionalProperties": False,
        **beside,
    }


# Each is an object schema with one feature, of those that strict mode knows.
SHAPES: dict[str, JSON] = {
    "string": closed({"type": "string"}),
    "integer": closed({"type": "integer"}),
    "number": closed({"type": "number"}),
    "boolean": closed({"type": "boolean"}),
    "null": closed({"type": ["boolean", "null"]}),
    "enum": closed({"type": "string", "enum": ["crimson", "indigo"]}),
    "const": closed({"type": "string", "const": "indigo"}),
    "array": closed({"type": "array", "items": {"type": "integer"}}),
    "object": closed(closed({"type": "boolean"})),
    "any_of": closed({"anyOf": [{"type": "integer"}, closed({"type": "boolean"})]}),
    "ref": closed({"$ref": "#/$defs/size"}, **{"$defs": {"size": {"type": "integer"}}}),
    "recursive": closed({"anyOf": [{"type": "integer"}, {"$ref": "#"}]}),
}


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """A picture of one colour."""
    row = b"\0" + bytes(colour) * width

    def block(kind: bytes, data: bytes) -> bytes:
        sum32 = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", sum32)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + block(b"IHDR", head)
        + block(b"IDAT", zlib.compress(row * height))
        + block(b"IEND", b"")
    )


def wav(seconds: float = 0.1, rate_hz: int = 8000) -> bytes:
    """A sound of silence."""
    data = b"\0\0" * int(seconds * rate_hz)
    fmt = struct.pack("<HHIIHH", 1, 1, rate_hz, rate_hz * 2, 2, 16)
    parts = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt
    parts += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(parts)) + parts


def data_uri(media_type: str, content: bytes) -> str:
    """The content as a data URI."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


PNG = data_uri("image/png", png(64, 64, (200, 30, 30)))
IMAGE: JSON = {"type": "image_url", "image_url": {"url": PNG}}
AUDIO: JSON = {
    "type": "input_audio",
    "input_audio": {"data": base64.b64encode(wav()).decode(), "format": "wav"},
}
TEXT_FILE: JSON = {
    "type": "file",
    "file": {
        "filename": "note.txt",
        "file_data": data_uri("text/plain", b"The fox is red."),
    },
}
# Characters of two, three and four bytes, and several that make one picture.
REPEAT_UNICODE = "Repeat exactly this line and nothing else: naïve 日本語 Ελληνικά 🎉 👩\u200d🚀 🦊"
