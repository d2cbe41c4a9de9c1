"""Dates and times that llguidance lets through and that are none.

Its `date` has a 29th of February in 1900, its `time` a second 60 at any minute.
"""

from __future__ import annotations

from typing import Any

_LEAP_YEAR = r"([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
_OTHER_DAY = r"[0-9]{4}-(02-([01][0-9]|2[0-8])|(0[13-9]|1[0-2])-[0-9]{2})"
_DATE = f"({_LEAP_YEAR}-02-29|{_OTHER_DAY})"
_SECOND = r"[0-9]{2}:[0-9]{2}:[0-5]"
PATTERNS = {
    "date": f"^{_DATE}$",
    "time": f"^{_SECOND}",
    "date-time": f"^{_DATE}.{_SECOND}",
}
"""What is asked beside a format."""
LITERAL = frozenset({"const", "default", "enum", "examples"})


def with_real_dates(schema: Any) -> Any:  # noqa: ANN401 - a part of a schema is any JSON
    """The schema, with a `pattern` beside each such `format` that has none."""
    if isinstance(schema, list):
        return [with_real_dates(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {
        key: value if key in LITERAL else with_real_dates(value) for key, value in schema.items()
    }
    wanted = schema.get("format")
    if isinstance(wanted, str) and wanted in PATTERNS:
        parts.setdefault("pattern", PATTERNS[wanted])
    return parts
