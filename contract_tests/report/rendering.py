"""The templates of the reports: HTML, SVG and Markdown."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


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
    return environment.get_template(name).render(**values)
