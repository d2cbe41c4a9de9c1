"""The files of a provider's folder, and what the operator is told of a wrong one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE_BYTES = 1_000_000
Place = Sequence[str | int]


class FolderError(ValueError):
    """A folder describes no provider: one line for the operator, with file, line and key."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file's text under the name that errors give it."""

    name: str
    text: str

    def wrong(self, what: str, place: Place = (), line: int | None = None) -> FolderError:
        """The error that says `what` of this file, at a line or at the place of a JSON member."""
        if line is None and place:
            line = _line_of(self.text, place)
        where = self.name if line is None else f"{self.name}:{line}"
        key = ".".join(map(str, place))
        return FolderError(f"{where}: {key}: {what}" if key else f"{where}: {what}")

    def json(self) -> dict[str, Any]:
        """The object that the file holds.

        Raises:
            FolderError: it holds none, or the same member twice.
        """
        try:
            value = json.loads(
                self.text, object_pairs_hook=_members, parse_constant=_no_json_number
            )
        except json.JSONDecodeError as error:
            raise self.wrong(f"no JSON: {error.msg}", line=error.lineno) from error
        except ValueError as error:
            raise self.wrong(str(error)) from error
        if not isinstance(value, dict):
            raise self.wrong("no JSON object", line=1)
        return value


def read_text(folder: Path, name: str) -> TextFile:
    """The text of a file that stands in the folder itself, or below it.

    Raises:
        FolderError: it is missing, too large, no text, or a link that leads out of the folder.
    """
    path, shown = folder / name, f"{folder.name}/{name}"
    if not path.resolve().is_relative_to(folder.resolve()):
        raise FolderError(f"{shown}: a link that leads out of the folder")
    if not path.is_file():
        raise FolderError(f"{shown}: there is no such file")
    if path.stat().st_size > FILE_BYTES:
        raise FolderError(f"{shown}: larger than {FILE_BYTES} bytes")
    try:
        # As bytes: reading as text would turn a lone CR into a line of its own.
        return TextFile(shown, path.read_bytes().decode())
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"{shown}: cannot be read: {error}") from error


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the member {name!r} stands there twice")
        members[name] = value
    return members


def _no_json_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _line_of(text: str, place: Place) -> int | None:
    """The line of the deepest member on the way to a place; JSON read as YAML knows its lines."""
    try:
        node = yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    line: int = 1
    for step in place:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == step]
            if not found:
                break
            key, node = found[0]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line
