"""Defects of characters beyond ASCII."""

from collections.abc import Callable

from tests.mutants.families import edits
from tests.mutants.layer import Call, Layer, around
from tests.mutants.mutant import Mutant

BOTH = ("unicode.raw", "unicode.escaped")


def _spoils(spoil: Callable[[str], str]) -> Layer:
    def edit(body: dict[str, list[dict[str, dict[str, str]]]]) -> None:
        for choice in body["choices"]:
            choice["message"]["content"] = spoil(choice["message"]["content"])

    return edits(edit)


def _reads(decode: Callable[[bytes], bytes]) -> Layer:
    """Reads the body of a request wrongly."""

    def before(call: Call) -> None:
        call.body = decode(call.body)

    return around(before=before)


MUTANTS = (
    Mutant(
        "unicode-replaced",
        "a character is cut in two between tokens",
        _spoils(lambda text: text.replace("🦊", "\ufffd\ufffd")),
        BOTH,
    ),
    Mutant(
        "unicode-half-out",
        "half a pair of a character is sent",
        _spoils(lambda text: text.replace("🦊", "\ud83e")),
        BOTH,
    ),
    Mutant(
        "unicode-mojibake",
        "UTF-8 is read as Latin-1 on the way out",
        _spoils(lambda text: text.encode().decode("latin-1")),
        BOTH,
    ),
    Mutant(
        "unicode-ascii",
        "what is not ASCII becomes a question mark",
        _spoils(lambda text: text.encode("ascii", "replace").decode()),
        BOTH,
    ),
    Mutant(
        "unicode-escaped-twice",
        "what is not ASCII is escaped twice",
        _spoils(lambda text: text.encode("ascii", "backslashreplace").decode()),
        BOTH,
    ),
    Mutant(
        "unicode-body-latin-1",
        "the request is read as Latin-1",
        _reads(lambda body: body.decode("latin-1").encode()),
        ("unicode.raw",),
    ),
    Mutant(
        "unicode-half-a-pair",
        "the first half of an escaped pair is lost",
        _reads(lambda body: body.replace(b"\\ud83e", b"\\ufffd")),
        ("unicode.escaped",),
    ),
)
