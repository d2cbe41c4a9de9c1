"""A chat template, as its folder has it, in a sandbox and with the names that templates expect."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from backends.protocol.errors import BadRequestError

if TYPE_CHECKING:
    from typing import NoReturn

    from jinja2.parser import Parser

# What goes wrong inside a template that was not written for such messages.
FAILURES = (TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
MESSAGE_CHARACTERS = 300


class Template:
    """A compiled chat template.

    Raises:
        ValueError: it is no Jinja template.
    """

    def __init__(self, source: str) -> None:
        environment = _environment()
        try:
            self._variables = meta.find_undeclared_variables(environment.parse(source))
            self._compiled = environment.from_string(source)
        except TemplateError as error:
            raise ValueError(f"the chat template is no Jinja template: {error}") from error
        self.source = source

    def uses(self, variable: str) -> bool:
        """Whether the template looks at a variable that it is given."""
        return variable in self._variables

    def render(self, **variables: object) -> str:
        """The prompt.

        Raises:
            BadRequestError: the template refuses the messages; the reason is its own.
        """
        try:
            return self._compiled.render(**variables)
        except FAILURES as error:
            reason = " ".join(str(error).split())[:MESSAGE_CHARACTERS]
            raise BadRequestError(
                f"The model's chat template refuses these messages: {reason}", param="messages"
            ) from error


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation]
    )
    environment.filters["tojson"] = _tojson
    environment.globals |= {
        "namespace": _Namespace,
        "raise_exception": _raise_exception,
        "strftime_now": _strftime_now,
    }
    return environment


class _Generation(Extension):
    """`{% generation %}` marks what an assistant said, for training; here it is what it holds."""

    tags = {"generation"}  # noqa: RUF012 - as Jinja declares it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Namespace(Namespace):
    """A namespace with no private names, by which a template might pass for another object."""

    def __init__(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Jinja's own has it
        Namespace.__init__(*args, **kwargs)
        given = dict(*args[1:], **kwargs)
        for name in given:
            _public(name)

    def __setitem__(self, name: str, value: object) -> None:
        _public(name)
        super().__setitem__(name, value)


def _public(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"a namespace has no {name!r}")


def _tojson(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as it is; Jinja's own filter escapes for HTML."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _strftime_now(pattern: str) -> str:
    return datetime.now().astimezone().strftime(pattern)
