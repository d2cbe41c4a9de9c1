"""What is read of a form that is handed on, such as an audio file to transcribe: its model.

Parsers of forms differ more than those of JSON do, so a form that could be read in two ways, as far
as the fields go by which something is decided, is refused.
Source: RFC 7578; RFC 2046 §5.1.1.
"""

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from backends.protocol.errors import BadRequestError

MODEL_BYTES = 1000
DECIDING = frozenset({b"model", b"stream", b"provider", b"user", b"n"})
# Any other way to write a header with parameters is read in different ways.
HEADER = re.compile(
    rb'[^\s;"]+(?:\s*;\s*[^\s;="]+=(?:"(?:[^"\\]|\\.)*"|[^\s;"]*))*\s*;?\s*', re.DOTALL
)
PARAMETER = re.compile(rb';\s*([^\s;="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))', re.DOTALL)


def model_in_form(content_type: bytes, body: bytes) -> dict[str, Any]:
    """The field `model` of a form, if it has one.

    Raises:
        BadRequestError: it is no form, or could be read in two ways: an upstream might take
            another model.
    """
    boundary = _parameters(content_type).get(b"boundary", b"")
    if not boundary:
        raise _refusal("has no boundary")
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
    # Some take a line that ends in LF, or what stands behind the end, for one more part.
    delimiters = re.findall(rb"(?:^|[\r\n])--" + re.escape(boundary), body)
    if len(delimiters) != reader.parts + 1:
        raise _refusal("has a boundary within a part or behind its end")
    model = reader.fields.get(b"model")
    return {} if model is None else {"model": model.decode(errors="replace")}


class _Reader:
    """Collects the fields by which something is decided; what else there is, is passed over."""

    def __init__(self) -> None:
        self.fields: dict[bytes, bytes] = {}
        self.complete = False
        self.parts = 0
        self._header = self._value = b""
        self._dispositions: list[bytes] = []
        self._field: bytes | None = None

    def begin(self) -> None:
        self.parts += 1
        self._header = self._value = b""
        self._dispositions = []
        self._field = None

    def name(self, data: bytes, start: int, end: int) -> None:
        if self._value:
            self._header_ends()
        self._header += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def headers_end(self) -> None:
        self._header_ends()
        if len(self._dispositions) != 1:
            raise _refusal("has a part without one Content-Disposition")
        parameters = _parameters(self._dispositions[0])
        if b"name" not in parameters or b"name*" in parameters:
            raise _refusal("has a part without a plain name")
        name = parameters[b"name"]
        meant = _meant(name)
        if meant not in DECIDING:
            return
        if name != meant:
            raise _refusal(f"has a field like '{meant.decode()}'", meant)
        if name in self.fields:
            raise _refusal(f"has more than one '{meant.decode()}'", meant)
        self.fields[name] = b""
        self._field = name

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._field is not None and len(self.fields[self._field]) < MODEL_BYTES:
            self.fields[self._field] += data[start:end]

    def end(self) -> None:
        self.complete = True

    def _header_ends(self) -> None:
        if self._header.strip().lower() == b"content-disposition":
            self._dispositions.append(self._value)
        self._header = self._value = b""


def _parameters(header: bytes) -> dict[bytes, bytes]:
    """The parameters of a header as they stand, by name.

    Raises:
        BadRequestError: one stands twice, or the header can be read in two ways.
    """
    found: dict[bytes, bytes] = {}
    if not HEADER.fullmatch(header.strip()):
        raise _refusal("has a header that cannot be read")
    for name, quoted, plain in PARAMETER.findall(header):
        if name.lower() in found:
            raise _refusal("has a header with a parameter twice")
        found[name.lower()] = quoted or plain
    return found


def _meant(name: bytes) -> bytes:
    """The field that a lenient parser may take a name for: `Model`, `model[]`, `mod%65l`."""
    plain = unquote_to_bytes(name.replace(b"\\", b"")).strip(b" \t\r\n\0'\"")
    return re.split(rb"[\[.]", plain)[0].decode(errors="replace").casefold().encode()


def _refusal(what: str, param: bytes | None = None) -> BadRequestError:
    return BadRequestError(
        f"The form {what}.", code="invalid_form", param=param.decode() if param else None
    )
