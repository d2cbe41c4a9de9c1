"""Defects in what `POST /embeddings` takes."""

from collections.abc import Callable
from typing import Any

from contract_tests.checks.embeddings_input import LISTS, MOST
from tests.mutants.families import answers, edits_calls, has, ignores, puts, refuses
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

EMBEDDINGS = "/embeddings"
IDS = "embeddings.input"


def _given(test: Callable[[Any], bool]) -> Callable[[Call], bool]:
    """Whether the input is such a one."""

    def when(call: Call) -> bool:
        body = call.json
        return isinstance(body, dict) and "input" in body and test(body["input"])

    return when


def _replaces(test: Callable[[Any], bool], value: Any) -> Layer:
    """Embeds something else instead of that input."""
    return edits_calls(
        lambda body: {**body, "input": value(body["input"]) if callable(value) else value},
        EMBEDDINGS,
        _given(test),
    )


def _is_ids(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, int) for one in value)


def _is_lists(value: Any) -> bool:
    return bool(value == LISTS)


def _turns(vector: list[float]) -> list[float]:
    return vector[50:] + vector[:50]


def _crashes(call: Call) -> Answer | None:
    error = {"message": "Oops.", "type": "server_error", "param": None, "code": None}
    at_fault = call.path == EMBEDDINGS and call.param("model") == "gpt-4o"
    return Answer.of(500, {"error": error}) if at_fault else None


def _no_format(call: Call) -> bool:
    return call.param("encoding_format") not in {None, "float", "base64"}


MUTANTS = (
    Mutant(
        "embeddings-input-tokens-flattened",
        "each token id is an input of its own",
        _replaces(_is_ids, lambda ids: [[one] for one in ids]),
        (f"{IDS}.tokens",),
    ),
    Mutant(
        "embeddings-input-tokens-refused",
        "token ids, declared to be taken, are refused",
        refuses(_given(_is_ids), path=EMBEDDINGS),
        (f"{IDS}.tokens", f"{IDS}.token_lists_same", f"{IDS}.tokens_same"),
    ),
    Mutant(
        "embeddings-input-tokens-crash",
        "token ids are a 500",
        refuses(_given(_is_ids), 500, path=EMBEDDINGS),
        (f"{IDS}.tokens",),
    ),
    Mutant(
        "embeddings-input-tokens-as-digits",
        "token ids are embedded as their digits",
        _replaces(_is_ids, str),
        (f"{IDS}.tokens_same",),
    ),
    Mutant(
        "embeddings-input-lists-joined",
        "arrays of token ids are joined into one input",
        _replaces(_is_lists, lambda lists: [one for ids in lists for one in ids]),
        (f"{IDS}.token_lists", f"{IDS}.token_lists_same"),
    ),
    Mutant(
        "embeddings-input-lists-refused",
        "arrays of arrays of token ids are refused",
        refuses(_given(_is_lists), path=EMBEDDINGS),
        (f"{IDS}.token_lists",),
    ),
    Mutant(
        "embeddings-input-lists-differ",
        "token ids in a batch get other vectors",
        puts("data.*.embedding", _turns, EMBEDDINGS, _given(_is_lists)),
        (f"{IDS}.token_lists_same",),
    ),
    *(
        Mutant(
            f"embeddings-input-{name.replace('_', '-')}-taken",
            f"{what} is taken for some other input",
            _replaces(lambda given, bad=bad: given == bad, "fox"),  # type: ignore[misc]
            (f"{IDS}.{name}",),
        )
        for name, what, bad in (
            ("empty_text", "an empty text", ""),
            ("empty_array", "an empty array", []),
            ("empty_item", "an empty text in an array", ["fox", ""]),
            ("empty_tokens", "an empty array of token ids", [[]]),
            ("mixed", "an array of a text and a token id", ["fox", 100]),
            ("number", "a number", 7),
        )
    ),
    Mutant(
        "embeddings-input-refusals-500",
        "what is wrong in a request is a 500",
        answers(400, 500, lambda call: call.path == EMBEDDINGS),
        (
            f"{IDS}.empty_text",
            f"{IDS}.empty_array",
            f"{IDS}.missing",
            f"{IDS}.too_many",
            f"{IDS}.too_long",
            f"{IDS}.unknown_format",
            f"{IDS}.dimensions_zero",
            f"{IDS}.chat_model",
        ),
    ),
    Mutant(
        "embeddings-input-missing-taken",
        "no input is an empty one",
        edits_calls(lambda body: {"input": "fox", **body}, EMBEDDINGS),
        (f"{IDS}.missing",),
    ),
    Mutant(
        "embeddings-input-first-2048",
        "the inputs after the first 2048 are left out",
        _replaces(
            lambda given: isinstance(given, list) and len(given) > MOST, lambda texts: texts[:4]
        ),
        (f"{IDS}.too_many",),
    ),
    Mutant(
        "embeddings-input-cut",
        "a long text is cut without a word",
        _replaces(
            lambda given: isinstance(given, str) and len(given) > 10_000, lambda text: text[:4000]
        ),
        (f"{IDS}.too_long",),
    ),
    Mutant(
        "embeddings-input-any-format",
        "an unknown encoding_format is float",
        ignores("encoding_format", path=EMBEDDINGS, when=_no_format),
        (f"{IDS}.unknown_format",),
    ),
    Mutant(
        "embeddings-input-dimensions-zero",
        "dimensions of 0 are the default",
        ignores("dimensions", path=EMBEDDINGS, when=lambda call: call.param("dimensions") == 0),
        (f"{IDS}.dimensions_zero",),
    ),
    Mutant(
        "embeddings-input-user-refused",
        "user is refused",
        refuses(has("user"), path=EMBEDDINGS),
        (f"{IDS}.user",),
    ),
    Mutant(
        "embeddings-input-any-model",
        "an unknown model is the default one",
        edits_calls(lambda body: {**body, "model": "text-embedding-3-small"}, EMBEDDINGS),
        (f"{IDS}.unknown_model",),
    ),
    Mutant(
        "embeddings-input-chat-model-crash",
        "a chat model's embeddings are a 500",
        around(before=_crashes),
        (f"{IDS}.chat_model",),
    ),
)
