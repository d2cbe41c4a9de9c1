"""JMESPath, by which a folder says where things stand, and how to turn them."""

from collections.abc import Iterator
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions


class Expression:
    """One JMESPath expression.

    Raises:
        ValueError: the text is none.
    """

    def __init__(self, text: str) -> None:
        try:
            self._compiled = jmespath.compile(text)
        except JMESPathError as error:
            said = str(error).partition("\n")[0].rstrip(":")
            raise ValueError(f"{text!r} is no JMESPath: {said}") from error
        for name in _functions(self._compiled.parsed):
            if name not in Functions.FUNCTION_TABLE:
                raise ValueError(f"{text!r} is no JMESPath: no function {name}()")

    def find(self, value: object) -> Any:  # noqa: ANN401 - JSON of any shape
        """What stands there in the value; None if nothing does.

        Raises:
            ValueError: a function of the expression does not take what it is given.
        """
        return self._compiled.search(value)


def _functions(node: Any) -> Iterator[str]:  # noqa: ANN401 - the library's own tree
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _functions(child)
