"""Keys and headers as people set them: a line break at the end goes, one inside is an error."""

import re
from typing import Annotated

from pydantic import AfterValidator

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Settings and headers whose values are shown to nobody.
SECRET_NAME = re.compile(
    r"key|secret|token(?!s)|password|credential|auth|cookie|headers", re.IGNORECASE
)


def header_value(text: str) -> str:
    """The text without white space around it; a key from a file often ends with a line break.

    Raises:
        ValueError: there is a line break or another control character in it. The message does
            not repeat the text, which may be a key.
    """
    text = text.strip()
    if not text.isprintable():
        raise ValueError("has a line break or another control character in it")
    return text


def headers_of(given: dict[str, str]) -> dict[str, str]:
    """Headers with their values made plain.

    Raises:
        ValueError: a name is no header's, or a value has a control character.
    """
    headers = {}
    for name, value in given.items():
        if not HEADER_NAME.fullmatch(name.strip()):
            raise ValueError(f"{name[:100]!r} is no name of a header")
        try:
            headers[name.strip()] = header_value(value)
        except ValueError as error:
            raise ValueError(f"the header {name.strip()[:100]!r} {error}") from error
    return headers


HeaderValue = Annotated[str, AfterValidator(header_value)]
Headers = Annotated[dict[str, str], AfterValidator(headers_of)]
