"""Tools to offer."""

from tests.adapter.chats import Body


def function(name: str, parameters: Body | None = None, **more: object) -> Body:
    given = {} if parameters is None else {"parameters": parameters}
    return {"type": "function", "function": {"name": name, **given, **more}}


WEATHER: Body = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 2},
        "unit": {"$ref": "#/$defs/unit"},
        "days": {"type": "integer", "minimum": 1, "maximum": 7},
    },
    "required": ["city", "unit", "days"],
    "additionalProperties": False,
    "$defs": {"unit": {"enum": ["celsius", "fahrenheit"]}},
}
TOOLS = [function("get_weather", WEATHER), function("send_email", {"type": "object"})]
BOTH = "get_weather and then send_email"
