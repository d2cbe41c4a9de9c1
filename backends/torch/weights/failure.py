"""What others' code raises, said in one line to the operator."""

from backends.protocol.proxy import without_credentials

LONGEST = 300


def said(error: BaseException) -> str:
    """What went wrong, in one line; with the error's name where its words alone say little."""
    words = without_credentials(" ".join(str(error).split()))[:LONGEST]
    plain = isinstance(error, ValueError | OSError) or type(error) is Exception
    return words if words and plain else f"{type(error).__name__}: {words}".removesuffix(": ")
