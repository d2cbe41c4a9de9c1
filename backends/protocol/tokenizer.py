"""The default tokenizer: small, exact, reversible for any Unicode text, with no vocabulary file.

A token is up to six lower-case letters (its leading space is one of the six), up to four other
ASCII characters, or one other character. Its id is the token itself read as a number, so ids need
no table, and fit 32 bits:

    ids 0 … WORD_IDS-1         a to z and space, bijective base 27
    ids … WORD_IDS+ASCII_IDS-1 ASCII, bijective base 128
    ids … VOCABULARY-1         the other characters by code point
"""

import re
from collections.abc import Iterable

from backends.protocol.errors import BadRequestError

LETTERS = " abcdefghijklmnopqrstuvwxyz"
WORD_CHARACTERS, ASCII_CHARACTERS = 6, 4
WORD_IDS: int = sum(27**length for length in range(1, WORD_CHARACTERS + 1))
ASCII_IDS: int = sum(128**length for length in range(1, ASCII_CHARACTERS + 1))
OTHER_IDS = WORD_IDS + ASCII_IDS
VOCABULARY = OTHER_IDS + 0x110000
SURROGATES = range(0xD800, 0xE000)

_PIECE = re.compile(
    r" [a-z]{1,5}|[a-z]{1,6}| ?[A-Z][A-Za-z]{0,2}|[0-9]{1,3}| {1,4}|[\x00-\x7f]|[^\x00-\x7f]"
)
_WORD = re.compile(r"[ a-z]{1,6}")


def split(text: str) -> list[str]:
    """The tokens of a text; they join to it."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """How many tokens a text has."""
    return len(_PIECE.findall(text))


def encode(text: str) -> list[int]:
    """The ids of a text's tokens."""
    return [token_id(token) for token in _PIECE.findall(text)]


def token_id(token: str) -> int:
    """The id of one token."""
    if _WORD.fullmatch(token):
        return _number([LETTERS.index(letter) for letter in token], 27)
    if token.isascii():
        return WORD_IDS + _number([ord(character) for character in token], 128)
    return OTHER_IDS + ord(token)


def is_token(token: int) -> bool:
    """Whether an id is in the vocabulary."""
    return 0 <= token < VOCABULARY and token - OTHER_IDS not in SURROGATES


def token_text(token: int) -> str:
    """The text of one id.

    Raises:
        BadRequestError: the id is outside the vocabulary.
    """
    if not is_token(token):
        raise BadRequestError(
            f"Token id {token} is not in the vocabulary of {VOCABULARY} ids.", param="tokens"
        )
    if token < WORD_IDS:
        return "".join(LETTERS[digit] for digit in _digits(token, 27))
    if token < OTHER_IDS:
        return "".join(map(chr, _digits(token - WORD_IDS, 128)))
    return chr(token - OTHER_IDS)


def decode(tokens: Iterable[int]) -> str:
    """The text of the ids; the inverse of `encode`.

    Raises:
        BadRequestError: an id is outside the vocabulary.
    """
    return "".join(token_text(token) for token in tokens)


def _number(digits: list[int], base: int) -> int:
    """The digits, least first, as a bijective number: every sequence has one of its own."""
    number = 0
    for digit in reversed(digits):
        number = number * base + digit + 1
    return number - 1


def _digits(number: int, base: int) -> list[int]:
    digits = []
    number += 1
    while number:
        number, digit = divmod(number - 1, base)
        digits.append(digit)
    return digits
