"""`header.txt`: the request line, and the headers, with keys from the environment.

Source: RFC 9110 §5.1, §5.5.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from backends.folder.files import TextFile
from backends.protocol.header_value import HEADER_NAME, SECRET_NAME, header_value

LINE = re.compile(r"POST (/[!-~]*) HTTP/1\.[01]")
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# The client of the upstream writes these itself, and the host is the metadata's.
OWN = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
    | {"expect", "keep-alive", "proxy-connection"}
)
SECRET_IN_QUERY = re.compile(r"([?&][^=&]*(?:key|token|secret)[^=&]*=)(?!\$\{)[^&]*", re.IGNORECASE)
REDACTED = "[redacted]"


@dataclass(slots=True)
class Header:
    """The path and the headers to send, and the same as they may be shown: without a key.

    `secrets` are the values of variables that are named like a key, or stand where one does.
    """

    path: str
    shown_path: str
    headers: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)


def read_header(file: TextFile, environment: Mapping[str, str]) -> Header:
    """The file's content, with `${NAME}` taken from the environment.

    Raises:
        FolderError: a line is no header, a variable is not set, or a value would break the line.
    """
    # Not splitlines(): what it takes for a line's end besides is refused as a control character.
    lines = [line.removesuffix("\r") for line in file.text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    first = LINE.fullmatch(lines[0]) if lines else None
    if first is None or "#" in first.group(1):
        raise file.wrong("not of the form 'POST /path HTTP/1.1'", line=1)
    written = first.group(1)
    path = _expanded(file, 1, written, environment, in_path=True)
    header = Header(path, SECRET_IN_QUERY.sub(rf"\1{REDACTED}", written))
    for number, line in enumerate(lines[1:], 2):
        name, value = _split(file, number, line, {sent.lower() for sent in header.headers})
        header.headers[name] = _expanded(file, number, value, environment)
        hidden = SECRET_NAME.search(name) and not VARIABLE.search(value)
        header.shown[name] = REDACTED if hidden else value
    header.secrets |= {
        header_value(environment[name])
        for line in lines
        for name in VARIABLE.findall(line)
        if SECRET_NAME.search(line) or SECRET_NAME.search(name)
    }
    if "content-type" not in {sent.lower() for sent in header.headers}:
        header.headers["Content-Type"] = header.shown["Content-Type"] = "application/json"
    return header


def _split(file: TextFile, number: int, line: str, seen: set[str]) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not HEADER_NAME.fullmatch(name):
        raise file.wrong("not of the form 'Name: value'", line=number)
    if name.lower() in OWN:
        raise file.wrong(f"{name} is not for a provider to set", line=number)
    if name.lower() in seen:
        raise file.wrong(f"{name} stands there twice", line=number)
    return name, value.strip(" \t")


def _expanded(
    file: TextFile,
    number: int,
    written: str,
    environment: Mapping[str, str],
    *,
    in_path: bool = False,
) -> str:
    """The text with its variables; each value is put in once, and not looked through again."""

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        # A variable that was read from a file often ends with a line break.
        value = environment.get(name, "").strip()
        if not value:
            raise file.wrong(f"the environment variable {name} is not set", line=number)
        if not _is_plain(value):
            raise file.wrong(
                f"the value of {name} has control characters, or others than ASCII", line=number
            )
        return quote(value, safe="") if in_path else value

    if "${" in VARIABLE.sub("", written):
        raise file.wrong("a '${' that names no environment variable", line=number)
    if not _is_plain(written):
        raise file.wrong("has control characters, or others than ASCII", line=number)
    return VARIABLE.sub(value_of, written)


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable()
