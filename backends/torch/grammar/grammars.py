"""The matcher that a request's format and tools need, from the model's own tokenizer."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backends.protocol.errors import BadRequestError
from backends.torch.grammar.formats import format_grammar
from backends.torch.grammar.matcher import GrammarMatcher
from backends.torch.grammar.schemas import reason_of, refusal
from backends.torch.grammar.tools import (
    CLOSE,
    OPEN,
    Marks,
    calls_lark,
    require_bounded,
    tool_grammar,
)

if TYPE_CHECKING:
    from llguidance import LLMatcher

    from backends.protocol import GenerationRequest, ResponseFormat, Tool, ToolChoice

LEXER_FUEL = 1_000_000
MAX_STATES = 50_000
"""What the lexer of one grammar may cost, and grow to: about 100 MB."""

MAX_ITEMS = 10_000
"""Ways that an answer may go on; four a property that may be left out, of one object."""

Grammar = Mapping[str, Any]


class Grammars:
    """Grammars over the tokens of a model.

    `tokenizer` is a path of Hugging Face's `tokenizer.json`, or its text. `vocabulary` is the
    number of logits, which may be more than the tokenizer has tokens. `stops` end a sequence.

    Raises:
        ValueError: it is no such tokenizer, or one of another model.
    """

    def __init__(self, tokenizer: str | Path, vocabulary: int, stops: Collection[int]) -> None:
        from llguidance import LLTokenizer  # noqa: PLC0415 - a fifth of a second at start

        text = tokenizer.read_text(encoding="utf-8") if isinstance(tokenizer, Path) else tokenizer
        self._vocabulary = vocabulary
        self._stops = frozenset(stops)
        try:
            description = json.loads(text)
            added = description.get("added_tokens", [])
            if description.get("truncation") or description.get("padding"):  # meant for batches
                text = json.dumps({**description, "truncation": None, "padding": None})
            self._tokenizer = LLTokenizer(text, n_vocab=vocabulary, eos_token=sorted(stops) or None)
        except (ValueError, AttributeError) as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"the tokenizer does not fit the model: {reason}") from error
        ids = {token["content"]: int(token["id"]) for token in added}
        words = [
            int(token["id"])
            for token in added
            if self._tokenizer.is_special_token(token["id"])
            and not token.get("special")
            and token["content"] not in {OPEN, CLOSE}
        ]
        self._marks = Marks(ids.get(OPEN), ids.get(CLOSE), sorted({*words} - self._stops))

    def of_request(self, request: GenerationRequest) -> GrammarMatcher | None:
        """The matcher of a request's tools and format; None: nothing is asked of the text.

        Each choice needs one of its own. It takes milliseconds, and up to a second for a hostile
        schema: not on the event loop.

        Raises:
            BadRequestError: something cannot be kept to; `param` and the message name it.
        """
        tools = request.callable_tools
        if tools:
            return self.of_tools(tools, request.tool_choice, request.response_format)
        if request.tool_choice.mode == "required":
            raise BadRequestError("There is no tool that may be called.", param="tool_choice")
        return self.of_format(request.response_format)

    def of_format(self, wanted: ResponseFormat) -> GrammarMatcher | None:
        """The matcher of a response format; None for text.

        Raises:
            BadRequestError: the schema cannot be kept to.
        """
        grammar = format_grammar(wanted)
        return None if grammar is None else self._matcher([grammar], [wanted.param])

    def of_tools(
        self, tools: Sequence[Tool], choice: ToolChoice, wanted: ResponseFormat
    ) -> GrammarMatcher:
        """The matcher of calls of the tools; if the choice is auto, of text or a document too.

        Raises:
            BadRequestError: a schema or format cannot be kept to.
        """
        require_bounded(tools)
        grammars = [
            {"name": f"tool{index}", **tool_grammar(tool)} for index, tool in enumerate(tools)
        ]
        params = ["tools", *(tool.param for tool in tools)]
        otherwise = None
        if choice.mode == "auto":
            document = format_grammar(wanted)
            otherwise = "TEXT" if document is None else "@document"
            if document is not None:
                grammars.append({"name": "document", **document})
                params.append(wanted.param)
        # A tool that is asked for by name is called once: small models do not find an end.
        named = choice.mode == "required" and choice.allowed is not None
        several = choice.parallel and not (named and len(tools) == 1)
        lark = calls_lark(tools, self._marks, several=several, otherwise=otherwise)
        return self._matcher([{"name": "calls", "lark_grammar": lark}, *grammars], params)

    def _matcher(self, grammars: Sequence[Grammar], params: Sequence[str]) -> GrammarMatcher:
        compiled = self._compile(grammars)
        if compiled.is_error():
            raise self._complaint(grammars, params, compiled.get_error())
        matcher = GrammarMatcher(compiled, self._vocabulary, self._stops, params[0])
        matcher.mask()  # the first costs most, and finds what can never begin: not in a step
        return matcher

    def _complaint(
        self, grammars: Sequence[Grammar], params: Sequence[str], complaint: str
    ) -> BadRequestError:
        """The error for the grammar that is at fault, or for the first if none is by itself."""
        for grammar, param in zip(grammars, params, strict=True):
            if "json_schema" in grammar:
                alone = self._compile([grammar])
                if alone.is_error():
                    return refusal(reason_of(alone.get_error()), param)
        return refusal(reason_of(complaint), params[0])

    def _compile(self, grammars: Sequence[Grammar]) -> LLMatcher:
        from llguidance import LLMatcher, LLParserLimits  # noqa: PLC0415 - see above

        limits = LLParserLimits(
            initial_lexer_fuel=LEXER_FUEL,
            max_lexer_states=MAX_STATES,
            max_items_in_row=MAX_ITEMS,
            verbose_errors=False,
        )
        text = json.dumps({"grammars": grammars})
        return LLMatcher(self._tokenizer, text, log_level=0, limits=limits)
