"""What is read of a form that is handed on, such as an audio file to transcribe: its model."""

from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from backends.protocol.errors import BadRequestError

MODEL_BYTES = 1000


def model_in_form(content_type: bytes, body: bytes) -> dict[str, Any]:
    """The field `model` of a form, if it has one.

    Raises:
        BadRequestError: it is no form, or has several models: an upstream might take another.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    reader = _Reader()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reader.begin,
                "on_header_field": reader.name,
                "on_header_value": reader.value,
                "on_headers_finished": reader.headers_end,
                "on_part_data": reader.data,
                "on_end": reader.end,
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise _refusal("cannot be read") from error
    if not reader.complete:
        raise _refusal("has no end")
    if len(reader.models) > 1:
        raise _refusal("has more than one 'model'")
    return {"model": reader.models[0].decode(errors="replace")} if reader.models else {}


class _Reader:
    """Collects the fields called `model`; what else a form holds is passed over."""

    def __init__(self) -> None:
        self.models: list[bytes] = []
        self.complete = False
        self.begin()

    def begin(self) -> None:
        self._header = self._value = self._disposition = b""
        self._is_model = False

    def name(self, data: bytes, start: int, end: int) -> None:
        if self._value:
            self._header_ends()
        self._header += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def headers_end(self) -> None:
        self._header_ends()
        self._is_model = parse_options_header(self._disposition)[1].get(b"name") == b"model"
        if self._is_model:
            self.models.append(b"")

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._is_model and len(self.models[-1]) < MODEL_BYTES:
            self.models[-1] += data[start:end]

    def end(self) -> None:
        self.complete = True

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""


def _refusal(what: str) -> BadRequestError:
    return BadRequestError(f"The form {what}.", code="invalid_form")
