"""A request as a command line for a shell: one line of printable characters, whatever it sends."""

import base64
import gzip
import shlex
from collections.abc import Iterable

from contract_tests.expect import UNPRINTABLE, show

WORD_CHARS = 8_000  # of a body in a line; a longer one is packed
KEY = "$OPENAI_API_KEY"


def curl(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    key: str | None,
    *,
    version: str = "1.1",
) -> str:
    """The line, whose key comes from `$OPENAI_API_KEY`; a comment where the body is too long.

    Where `key` is not known, what follows the scheme of an authorization is taken for it.
    """
    if key:
        body = body.replace(key.encode(), b"[key]")
    words = ["curl", "-sS", "-i", "-N"]
    if version != "1.1":
        words += [f"--http{version}"]
    if method == "HEAD":
        words += ["--head"]
    elif method != ("POST" if body else "GET"):
        words += ["-X", method]
    if set(url) & set("[]{}"):
        words += ["-g"]
    words += [shlex.quote(url), *(word for pair in headers for word in _header(*pair, key))]
    return _with_body(" ".join(words), body) if body else " ".join(words)


def _header(name: str, value: str, key: str | None) -> list[str]:
    secret = value.partition(" ")[2] if key is None else key
    if name.lower() == "authorization" and secret and secret in value:
        known = [_in_double_quotes(part) for part in value.split(secret)]
        return ["-H", f'"{name}: {KEY.join(known)}"']
    if name.lower() == "content-length" or value == "identity":
        return []
    # A header that ends in a colon would be left out.
    return ["-H", shlex.quote(f"{name}: {value}" if value else f"{name};")]


def _in_double_quotes(text: str) -> str:
    return "".join(f"\\{char}" if char in '\\"$`' else char for char in text)


def _with_body(line: str, body: bytes) -> str:
    text = _plain(body)
    if text is not None and len(text) <= WORD_CHARS:
        return f"{line} --data-raw {shlex.quote(text)}"  # a leading @ names no file
    escaped = _escaped(body) if len(body) <= WORD_CHARS else ""
    if text is None and 0 < len(escaped) <= WORD_CHARS:
        return f"printf {shlex.quote(escaped)} | {line} --data-binary @-"
    packed = base64.b64encode(gzip.compress(body, mtime=0)).decode()
    if len(packed) <= WORD_CHARS:
        return f"printf %s {packed} | base64 -d | gunzip | {line} --data-binary @-"
    start = UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", body[:200].decode(errors="replace"))
    return f"# {line} with a body of {len(body)} bytes, too long for a line: {show(start, 100)}"


def _plain(body: bytes) -> str | None:
    """The body as text that can be pasted; None if it has other characters."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if UNPRINTABLE.search(text) else text


def _escaped(body: bytes) -> str:
    """The body as a format of `printf`."""
    special = {b"\\": "\\\\", b"%": "%%"}
    pieces = (
        special.get(bytes([byte])) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}")
        for byte in body
    )
    text = "".join(pieces)
    return f"\\055{text[1:]}" if text.startswith("-") else text
