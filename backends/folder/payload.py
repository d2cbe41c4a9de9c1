"""`payload.json`: the body of a request, in which placeholders stand for values.

`"{{name}}"` alone is the JSON value itself, `"{{name | JMESPath}}"` is the value turned by an
expression, and `"… {{name}} …"` is a text with the value in it. A member or an item whose
placeholder has no value is left out.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from backends.folder.expression import Expression
from backends.folder.files import Place, TextFile
from backends.folder.placeholders import LISTS, PLACEHOLDERS, WORDS
from backends.protocol.errors import APIError

ALONE = re.compile(r"\{\{\s*([^{}|]*?)\s*(?:\|(.*))?\}\}", re.DOTALL)
INSIDE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
Values = Mapping[str, Any]
Fill = Callable[[Values], Any]


class _Absent:
    """No value, where None is a JSON null."""


ABSENT: Final = _Absent()


class Payload:
    """The template; `names` are the placeholders that it has.

    Raises:
        FolderError: a placeholder is unknown or in the wrong place, or there is none for words.
    """

    def __init__(self, file: TextFile) -> None:
        self._file = file
        self._names: set[str] = set()
        self._fill = self._compiled(file.json(), ())
        self.names = frozenset(self._names)
        if not self.names & WORDS:
            raise file.wrong("has neither {{messages}} nor {{prompt}}")

    def filled(self, values: Values) -> Any:  # noqa: ANN401 - JSON of the template's shape
        """The body, with the value of each of `names`; None is no value.

        Raises:
            APIError: an expression of the template does not take a value.
        """
        return self._fill(values)

    def _compiled(self, node: object, place: Place) -> Fill:
        if isinstance(node, dict):
            for name in node:
                if "{{" in name:
                    raise self._file.wrong("a member's name cannot be a placeholder", place)
            return _object(
                {name: self._compiled(node[name], (*place, name)) for name in node},
            )
        if isinstance(node, list):
            return _array([self._compiled(one, (*place, at)) for at, one in enumerate(node)])
        if isinstance(node, str) and ("{{" in node or "}}" in node):
            return self._placeholder(node, place)
        return lambda values: node

    def _placeholder(self, text: str, place: Place) -> Fill:
        alone = ALONE.fullmatch(text)
        if alone is None:
            return self._text(text, place)
        name = self._name(alone.group(1), place)
        if alone.group(2) is None:
            return lambda values: ABSENT if values[name] is None else values[name]
        try:
            return _turned(name, Expression(alone.group(2).strip()))
        except ValueError as error:
            raise self._file.wrong(str(error), place) from error

    def _text(self, text: str, place: Place) -> Fill:
        pieces = INSIDE.split(text)
        if any(mark in piece for piece in pieces[::2] for mark in ("{{", "}}")):
            raise self._file.wrong("a placeholder without its end or beginning", place)
        names = [self._name(name.strip(), place) for name in pieces[1::2]]
        for name in names:
            if name in LISTS:
                raise self._file.wrong(f"{{{{{name}}}}} is a list, and no part of a text", place)

        def fill(values: Values) -> object:
            if any(values[name] is None for name in names):
                return ABSENT
            inside = [_shown(values[name]) for name in names]
            return "".join(
                piece for pair in zip(pieces[::2], [*inside, ""], strict=True) for piece in pair
            )

        return fill

    def _name(self, name: str, place: Place) -> str:
        if name not in PLACEHOLDERS:
            known = ", ".join(PLACEHOLDERS)
            raise self._file.wrong(f"no placeholder {{{{{name}}}}}; there are {known}", place)
        self._names.add(name)
        return name


def _object(members: Mapping[str, Fill]) -> Fill:
    def fill(values: Values) -> object:
        filled = {name: member(values) for name, member in members.items()}
        return {name: value for name, value in filled.items() if value is not ABSENT}

    return fill


def _array(items: list[Fill]) -> Fill:
    def fill(values: Values) -> object:
        return [value for item in items if (value := item(values)) is not ABSENT]

    return fill


def _turned(name: str, expression: Expression) -> Fill:
    def fill(values: Values) -> object:
        if values[name] is None:
            return ABSENT
        try:
            value = expression.find(values[name])
        except ValueError as error:
            raise APIError(f"This model's template cannot carry the {name}.") from error
        return ABSENT if value is None else value

    return fill


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
