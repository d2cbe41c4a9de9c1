"""Grammars as llguidance reads them, which is made to keep a model's output to one.

It is loaded when first needed, for a cold start without it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llguidance import LLMatcher

FUEL = 300_000
"""What its lexer may cost: less than a second, where the library's own limit allows several."""
MAX_CHARACTERS = 8_000
MAX_JOINTS = 8
"""How often `&` may stand in a Lark grammar: what it costs doubles each time."""


def of_schema(schema: dict[str, Any]) -> "LLMatcher | None":
    """The grammar of the compact documents of a schema; keywords it does not know are left out.

    None: it contradicts itself, or is too complex.
    """
    from llguidance import LLMatcher  # noqa: PLC0415 - see above

    grammar = LLMatcher.grammar_from_json_schema(
        schema, overrides={"whitespace_flexible": False, "lenient": True}
    )
    return _matcher(grammar)


def of_text(syntax: str, definition: str) -> "LLMatcher | None":
    """The grammar that a custom tool defines.

    None: it is none, or too complex.
    """
    from llguidance import LLMatcher  # noqa: PLC0415 - see above

    if len(definition) > MAX_CHARACTERS or definition.count("&") > MAX_JOINTS:
        return None
    if "%json" in definition:  # llguidance's own, and a schema of any cost
        return None
    read = LLMatcher.grammar_from_regex if syntax == "regex" else LLMatcher.grammar_from_lark
    try:
        return _matcher(read(definition))
    except UnicodeEncodeError:  # half a surrogate pair
        return None


def _matcher(grammar: str) -> "LLMatcher | None":
    from llguidance import LLMatcher, LLParserLimits, LLTokenizer  # noqa: PLC0415 - see above

    limits = LLParserLimits(initial_lexer_fuel=FUEL)
    matcher = LLMatcher(LLTokenizer("byte", slices=[]), grammar, log_level=0, limits=limits)
    return None if matcher.is_error() else matcher
