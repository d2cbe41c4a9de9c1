"""`metadata.json`: where a provider is, which models it serves, how its answer is read."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from backends.folder.expression import Expression
from backends.folder.files import FolderError, TextFile
from backends.protocol import FinishReason

FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
}
ANY = "*"


def _expression(value: object) -> object:
    return Expression(value) if isinstance(value, str) else value


def _claim(name: str) -> str:
    if not name or any(character in name for character in "?[]") or not name.isprintable():
        raise ValueError("a model's name, in which * alone stands for any text")
    return name


At = Annotated[Expression, BeforeValidator(_expression)]
Claim = Annotated[str, AfterValidator(_claim)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True
    )


class UsageAt(_Strict):
    """Where the counts of tokens stand."""

    prompt_tokens: At
    completion_tokens: At
    cached_tokens: At | None = None
    reasoning_tokens: At | None = None


class Places(_Strict):
    """What a whole answer and an event have alike."""

    finish: At | None = None
    usage: UsageAt | None = None
    error: At | None = None


class WholeAt(Places):
    """Where the parts of a whole answer stand."""

    text: At


class EventsAt(Places):
    """Where the parts of the events stand; `end` is the data that ends the stream."""

    delta: At
    delta_event: str | None = None
    end: str | None = None

    @model_validator(mode="after")
    def _tells_its_end(self) -> "EventsAt":
        if self.finish is None and self.end is None:
            raise ValueError("needs finish or end: else a broken stream would pass for a whole one")
        return self


class AnswerAt(_Strict):
    """How an answer is read. With `events`, the provider is asked to stream."""

    whole: WholeAt | None = Field(None, alias="json")
    events: EventsAt | None = None
    finish_reasons: dict[str, Literal["stop", "length", "content_filter"]] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _is_there(self) -> "AnswerAt":
        if self.whole is None and self.events is None:
            raise ValueError("needs json or events")
        return self

    @property
    def places(self) -> list[tuple[str, Places]]:
        """The mappings that there are, each under its key."""
        both: list[tuple[str, Places | None]] = [("json", self.whole), ("events", self.events)]
        return [(key, places) for key, places in both if places is not None]

    def reason(self, said: str) -> FinishReason | None:
        """OpenAI's word for the provider's; None if it is nowhere said."""
        known = FINISH | self.finish_reasons
        return known.get(said) or known.get(ANY)


class Metadata(_Strict):
    """The whole file."""

    host: str = Field(pattern=r"^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])$")
    scheme: Literal["http", "https"]
    port: int | None = Field(None, ge=1, le=65535)
    models: list[Claim] = Field(min_length=1)
    answer: AnswerAt

    @property
    def base_url(self) -> str:
        """Where the provider is."""
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")


def read_metadata(file: TextFile) -> Metadata:
    """The file's content.

    Raises:
        FolderError: it is no JSON, or not of this shape; every fault is named.
    """
    value = file.json()
    try:
        return Metadata.model_validate(value)
    except ValidationError as error:
        faults = [str(file.wrong(_said(fault), fault["loc"])) for fault in error.errors()]
        raise FolderError("; ".join(faults)) from error


def _said(fault: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary
    message: str = fault["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
