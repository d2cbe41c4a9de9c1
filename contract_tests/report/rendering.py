"""The templates of the reports: HTML, SVG and Markdown."""

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

BACKTICKS = re.compile(r"`([^`]+)`")


def render(name: str, **values: Any) -> str:
    """The template of that name, filled in; values are escaped in HTML and SVG."""
    environment = Environment(
        loader=PackageLoader("contract_tests.report"),
        autoescape=select_autoescape(["html.j2", "svg.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = _code
    return environment.get_template(name).render(**values)


def _code(text: str) -> Markup:
    """The text as HTML, with what stands between backticks as code."""
    return Markup(BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped
