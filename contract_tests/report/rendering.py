"""The templates of the reports: HTML, SVG and Markdown."""

import base64
import hashlib
import re
from importlib.resources import files
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
    environment.globals |= {"script": _script, "policy": _policy}
    return environment.get_template(name).render(**values)


def _script(name: str) -> Markup:
    """The element that holds that script of ours."""
    return Markup(f"<script>{_text(name)}</script>")  # noqa: S704 - our own file


def _policy(name: str) -> str:
    """A content security policy that lets that script run, and nothing that a server has said."""
    digest = base64.b64encode(hashlib.sha256(_text(name).encode()).digest()).decode()
    allowed = f"style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _text(name: str) -> str:
    return files("contract_tests.report").joinpath("templates", name).read_text("utf-8")


def _code(text: str) -> Markup:
    """The text as HTML, with what stands between backticks as code."""
    return Markup(BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped
