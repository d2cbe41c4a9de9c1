"""What a check says of what it saw."""

import re
from typing import Any

from contract_tests.verdict import Broken, Uncooperative

# What a terminal obeys, turns round or cannot paste, and what no file can hold.
UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
KINDS = {dict: "an object", list: "an array", str: "a string", int: "an integer"}


def show(value: Any, limit: int = 300) -> str:
    """A value as one line of a report."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def expect(holds: object, expected: str, seen: Any) -> None:
    """Nothing if it holds.

    Raises:
        Broken: it does not; the report shows both texts.
    """
    if not holds:
        raise Broken(show(expected), show(seen))


def cooperate(did: object, what: str) -> None:
    """Nothing if the model did its part.

    Raises:
        Uncooperative: it did not; the check is tried again, and is inconclusive in the end.
    """
    if not did:
        raise Uncooperative(what)


def at(value: Any, *path: str | int, of: type | None = None) -> Any:
    """What stands at that path of a JSON value; of that type, if one is given.

    Raises:
        Broken: the path leads nowhere, or to another type. An integer is no bool and no float.
    """
    here, name = value, ""
    for step in path:
        name = f"{name}.{step}" if name else str(step)
        fits = isinstance(here, dict) if isinstance(step, str) else isinstance(here, list)
        try:
            here = here[step] if fits else None
        except LookupError:
            fits = False
        if not fits:
            raise Broken(f"`{name}`", show(value))
    if of is not None and (not isinstance(here, of) or (isinstance(here, bool) and of is not bool)):
        what = f"`{name}`" if name else "the body"
        raise Broken(f"{what} to be {KINDS.get(of, of.__name__)}", show(here))
    return here
