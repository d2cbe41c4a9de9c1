"""What a model list may say, and in which words it is refused."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest

from adapter.model_list import ListedModel
from tests.adapter.model_list.opened import MAX_BYTES, Open, ids, refused
from tests.adapter.model_list.server import GOOD, GPT, SONNET, Answer, ListServer, listing

ENTRIES: dict[str, tuple[list[object], str]] = {
    "no object": ([GPT, "gpt"], "entry [1] must be an object"),
    "null": ([None], "entry [0] must be an object"),
    "missing": ([GPT, {"model_version": "a"}], "entry [1] 'a': model_family is missing (1 more"),
    "number for a name": (
        [GPT | {"model_version": 4}],
        "entry [0]: model_version must be a string",
    ),
    "number for a handle": ([GPT | {"handle": 4}], "entry [0] 'gpt-4o': handle must be a string"),
    "text for a price": ([GPT | {"prompt_price_1k": "0.1"}], "prompt_price_1k must be a number"),
    "true for a price": ([GPT | {"completion_price_1k": True}], "price_1k must be a number"),
    "negative price": ([GPT | {"prompt_price_1k": -1}], "prompt_price_1k must not be negative"),
    "empty name": ([GPT | {"model_version": ""}], "model_version String should have at least 1"),
    "spaced name": ([GPT | {"model_version": "a b"}], "model_version must be printable, without"),
    "a glob": ([GPT | {"model_version": "gpt-*"}], "model_version must not hold a *"),
    "escape in family": ([GPT | {"model_family": "\x1b[2J"}], "model_family must be printable"),
    "twice": ([GPT, SONNET, GPT], "entry [2] 'gpt-4o' has the model_version of entry [0]"),
}
HANDLES = [
    "",
    "openai/v1",
    "/openai",
    "/openai/",
    "//evil.test/v1",
    "/openai//v1",
    "/openai/../admin",
    "/openai/v1/.",
    "/openai/%2e%2e/admin",
    "/openai/v1?key=1",
    "/openai/v1#a",
    "/openai/v1 HTTP/1.1",
    "/openai/v1\r\nx: y",
    "/openai/v1\n",
    "/-/v1",
    "/openai@evil/v1",
    "http://evil.test/v1",
    "/openai\\v1/v1",
    "/openaí/v1",
    "/openai/v¹",
]
BODIES = {
    "empty": (b"", "is empty"),
    "html": (b"<!DOCTYPE html><html>// no</html>", "is HTML or XML, not JSON"),
    "half": (json.dumps(GOOD).encode()[:100], "wrong in line 1, column"),
    "trailing comma": (b'[\n{"a": 1},\n]', "wrong in line"),
    "comment on top": (b"// models\n[]", "wrong in line 1: JSON has no comments."),
    "comment inside": (b'[\n {"a": 1},\n // old\n {"b": 2}]', "line 3: JSON has no comments."),
    "comment in an object": (b'[\n {"a": 1, /* x */ "b": 1}]', "line 2: JSON has no comments."),
    "comment at the end": (b"[]\n\n# end", "line 3: JSON has no comments."),
    "yaml": (b"- model_version: a", "wrong in line 1, column 2"),
    "nan": (b"[NaN]", "wrong in line 1, column"),
    "infinite": (b'[{"prompt_price_1k": 1e999}]', "wrong in line 1, column"),
    "deep": (b"[" * 5000, "wrong in line 1, column"),
    "latin-1": (b'["caf\xe9"]', "is not UTF-8"),
    "object": (b'{"data": []}', "is not a JSON array"),
    "null": (b"null", "is not a JSON array"),
    "long": (b"[" + b" " * MAX_BYTES + b"]", "is larger than 20000 bytes"),
}


async def test_a_good_list(open_list: Open) -> None:
    models = open_list()
    assert (models.models, models.state.status) == ((), "empty")
    before = time.time()
    await models.start()
    assert models.models == (
        ListedModel(
            "gpt-4o", "gpt", "openai", "/v1/chat/completions", Decimal("0.0025"), Decimal("0.01")
        ),
        ListedModel(
            "claude-sonnet",
            "claude",
            "anthropic",
            "/v1/messages",
            Decimal("0.003"),
            Decimal("0.015"),
        ),
    )
    assert (models.state.status, models.state.error) == ("ok", None)
    assert before <= (models.state.fetched_at or 0) <= time.time()


async def test_prices_are_exact_and_become_cost(open_list: Open, source: ListServer) -> None:
    free = {"prompt_price_1k": 0, "completion_price_1k": 0.0}
    unknown = {"prompt_price_1k": 0.1, "completion_price_1k": None}
    source.answer = listing(
        [
            GPT | {"prompt_price_1k": 0.1, "completion_price_1k": 1e-7},
            GPT | free | {"model_version": "free"},
            GPT | unknown | {"model_version": "prompt-only"},
            {key: SONNET[key] for key in ("model_version", "model_family", "handle")},
        ]
    )
    models = open_list()
    await models.start()
    priced, free_model, prompt_only, unpriced = models.models
    assert priced.cost_usd(3, 7) == Decimal("0.0003000007")
    assert free_model.cost_usd(3, 7) == 0
    assert (prompt_only.cost_usd(3, 7), prompt_only.cost_usd(3, 0)) == (None, Decimal("0.0003"))
    assert unpriced.prompt_price_1k is None
    assert unpriced.cost_usd(1, 1) is None
    assert unpriced.cost_usd(0, 0) == 0


@pytest.mark.parametrize("entry", [{"region": "eu"}, {"a": {"b": [None]}}, {"handle": "/f/x"}])
async def test_unknown_keys_and_short_handles_are_fine(
    open_list: Open, source: ListServer, entry: dict[str, Any]
) -> None:
    source.answer = listing([GPT | entry])
    models = open_list()
    await models.start()
    assert ids(models) == ["gpt-4o"]


async def test_a_byte_order_mark_is_fine(open_list: Open, source: ListServer) -> None:
    source.answer = Answer(b"\xef\xbb\xbf" + source.answer.body)
    models = open_list()
    await models.start()
    assert ids(models) == ["gpt-4o", "claude-sonnet"]


async def test_an_empty_array_is_a_list_of_no_models(open_list: Open, source: ListServer) -> None:
    models = open_list()
    await models.start()
    source.answer = listing([])
    await models.refresh()
    assert (models.models, models.state.status) == ((), "ok")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        *((Answer(body), words) for body, words in BODIES.values()),
        *((listing(entries), words) for entries, words in ENTRIES.values()),
        *((listing([GPT | {"handle": handle}]), "'gpt-4o': handle ") for handle in HANDLES),
    ],
    ids=[*BODIES, *ENTRIES, *(f"handle {handle!r}" for handle in HANDLES)],
)
async def test_what_is_no_list_keeps_the_last_good_one(
    open_list: Open, source: ListServer, answer: Answer, words: str
) -> None:
    assert words in await refused(open_list(), source, answer)
