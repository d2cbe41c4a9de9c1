"""What is wrong with settings, as the operator is told: by name, and no key is repeated."""

from typing import Any

from pydantic import ValidationError

from backends.protocol.header_value import SECRET_NAME


def faults_of(error: ValidationError) -> list[str]:
    """One line for each setting that is wrong."""
    return [_line(details) for details in error.errors()]


def _line(details: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary
    name = ".".join(str(part) for part in details["loc"]).upper()
    message = details["msg"].removeprefix("Value error, ")
    given = details["input"]
    if SECRET_NAME.search(name) or not str(given).isprintable():
        return f"{name}: {message}"
    return f"{name}: {message} (got {given!r})"
