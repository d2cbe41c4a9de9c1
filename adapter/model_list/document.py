"""The model list as a document: JSON that is checked whole, or refused in words for its author.

Source: `MODEL_LIST_URL` in docs/model-list.md.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

PRICED_TOKENS = 1000
NAME_CHARACTERS = 200
SHOWN_CHARACTERS = 60
COMMENTS = ("//", "/*", "#")
HANDLE = re.compile(r"/([A-Za-z0-9][\w.-]*)((?:/(?!\.\.?(?:/|$))[\w.~!$&'()*+,;=:@-]+)+)", re.ASCII)

# pydantic's kinds of error, in the words of JSON.
_REASONS = {
    "model_type": "must be an object",
    "string_type": "must be a string",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than_equal": "must not be negative",
    "missing": "is missing",
}


class ModelListError(Exception):
    """Why a list is not taken: one sentence, fit for `/readyz`, without a URL or a path."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model of the list: who provides it, at which path of theirs, and its prices in USD."""

    id: str
    family: str
    provider: str
    path: str
    prompt_price_1k: Decimal | None = None
    completion_price_1k: Decimal | None = None

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> Decimal | None:
        """What an answer costs; None where a price that it needs is not listed."""
        cost = Decimal()
        for tokens, price_1k in (
            (prompt_tokens, self.prompt_price_1k),
            (completion_tokens, self.completion_price_1k),
        ):
            if tokens and price_1k is None:
                return None
            cost += tokens * (price_1k or 0)
        return cost / PRICED_TOKENS


def entries_of(body: bytes) -> list[Any]:
    """The entries of a list, not yet checked.

    Raises:
        ModelListError: the body is no JSON array.
    """
    try:
        text = body.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise ModelListError("The model list is not UTF-8.") from None
    if not text.strip():
        raise ModelListError("The model list is empty: not even [].")
    if text.lstrip().startswith("<"):
        raise ModelListError("The model list is HTML or XML, not JSON.")
    try:
        entries = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        place = f"The model list is wrong in line {error.lineno}"
        if text.startswith(COMMENTS, error.pos):
            raise ModelListError(f"{place}: JSON has no comments.") from None
        raise ModelListError(f"{place}, column {error.colno}: {error.msg}.") from None
    if not isinstance(entries, list):
        raise ModelListError("The model list is not a JSON array of models.")
    return entries


def models_of(entries: Sequence[Any]) -> tuple[ListedModel, ...]:
    """The models of the entries, in order.

    Raises:
        ModelListError: an entry is wrong, or an id stands twice; the message names the entry.
    """
    try:
        checked = _ENTRIES.validate_python(list(entries))
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        raise ModelListError(_refusal(entries, wrong[0], len(wrong) - 1)) from None
    places: dict[str, int] = {}
    for place, entry in enumerate(checked):
        first = places.setdefault(entry.model_version, place)
        if first != place:
            name = _shown(entry.model_version)
            raise ModelListError(
                f"The model list's entry [{place}] {name} has the model_version of entry [{first}]."
            )
    return tuple(_listed(entry) for entry in checked)


def _id(value: str) -> str:
    if not value.isprintable() or " " in value:
        raise ValueError("must be printable, without spaces")
    if "*" in value:
        raise ValueError("must not hold a *, which would take any name")
    return value


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be printable")
    return value


def _handle(value: str) -> str:
    if not HANDLE.fullmatch(value):
        raise ValueError("must be a provider and a path, such as /openai/v1/chat/completions")
    return value


_Text = Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS)]
_Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    model_version: Annotated[_Text, AfterValidator(_id)]
    model_family: Annotated[_Text, AfterValidator(_printable)]
    handle: Annotated[_Text, AfterValidator(_handle)]
    prompt_price_1k: _Price | None = None
    completion_price_1k: _Price | None = None


_ENTRIES = TypeAdapter(list[_Entry])


def _listed(entry: _Entry) -> ListedModel:
    _, provider, path = entry.handle.split("/", 2)
    return ListedModel(
        entry.model_version,
        entry.model_family,
        provider,
        f"/{path}",
        _decimal(entry.prompt_price_1k),
        _decimal(entry.completion_price_1k),
    )


def _decimal(price: float | None) -> Decimal | None:
    """The price as its author wrote it: a float's shortest form."""
    return None if price is None else Decimal(str(price))


def _refusal(entries: Sequence[Any], first: ErrorDetails, more: int) -> str:
    place, *field = first["loc"]
    entry = entries[int(place)]
    name = entry.get("model_version") if isinstance(entry, dict) else None
    who = f"[{place}] {_shown(name)}" if isinstance(name, str) else f"[{place}]"
    what = f": {'.'.join(str(part) for part in field)}" if field else ""
    reason = _REASONS.get(first["type"], first["msg"].removeprefix("Value error, "))
    rest = f" ({more} more like it)" if more else ""
    return f"The model list's entry {who}{what} {reason}{rest}."


def _shown(name: str) -> str:
    return repr(name[:SHOWN_CHARACTERS])
