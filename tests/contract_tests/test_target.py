"""The server under test: which model is asked, and what counts as a capability."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from contract_tests.capabilities import CAPABILITIES
from contract_tests.runner import prepare
from contract_tests.target import TRIES, Target
from contract_tests.verdict import Unreachable, Unsupported
from tests.contract_tests.made_up import CHAT, rule
from tests.contract_tests.tiny_apps import Asked, Reply, Respond, refusal, running, says

Find = Callable[[Target], Awaitable[Any]]


def lists(*names: str, accepts: Callable[[Asked], bool] = lambda _: True) -> Respond:
    """A server that lists those models, and refuses what it does not accept."""

    async def respond(asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply({"object": "list", "data": [{"id": name} for name in names]})
        return Reply(CHAT) if accepts(asked) else refusal(404)

    return respond


def takes(*pairs: tuple[str, str]) -> Callable[[Asked], bool]:
    """Accepts those models at those paths, and nothing else."""
    return lambda asked: (asked.target.removeprefix("/v1/"), asked.json.get("model")) in pairs


def found(respond: Respond, find: Find, **options: Any) -> tuple[Any, list[Asked]]:
    """What is found out, and what was asked for it."""

    async def finding(url: str) -> Any:
        async with Target(url, timeout_s=1, pauses_s=(), **options) as target:
            return await find(target)

    with running(respond) as here:
        return asyncio.run(finding(here.url)), here.asked


# --- models ---


def test_the_named_model_is_taken_without_asking() -> None:
    model, asked = found(lists("a"), lambda t: t.model("chat"), models={"chat": "mine"})
    assert model == "mine"
    assert asked == []


def test_each_kind_may_have_a_model_of_its_own() -> None:
    models = {"chat": "mine", "embeddings": "other"}
    model, asked = found(lists("a"), lambda t: t.model("embeddings"), models=models)
    assert (model, asked) == ("other", [])


def test_the_first_model_that_accepts_is_taken() -> None:
    accepts = takes(("chat/completions", "b"), ("chat/completions", "c"))
    model, asked = found(lists("a", "b", "c", accepts=accepts), lambda t: t.model("chat"))
    assert model == "b"
    assert [one.json["model"] for one in asked if one.method == "POST"] == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "likely"),
    [
        ("embeddings", "text-embedding-3"),
        ("moderations", "omni-moderation"),
        ("completions", "gpt-3.5-turbo-instruct"),
    ],
)
def test_models_with_a_telling_name_are_tried_first(kind: str, likely: str) -> None:
    listed = lists(*(f"m{n}" for n in range(TRIES)), likely)
    model, asked = found(listed, lambda t: t.model(kind), models={"chat": "m0"})
    assert model == likely
    assert len([one for one in asked if one.method == "POST"]) == 1


def test_a_model_with_a_telling_name_that_is_refused_gives_way_to_the_chat_model() -> None:
    listed = lists("a", "embed-1", "b", accepts=takes(("embeddings", "b")))
    model, asked = found(listed, lambda t: t.model("embeddings"), models={"chat": "b"})
    assert model == "b"
    tried = [one.json["model"] for one in asked if one.method == "POST"]
    assert tried == ["embed-1", "b"]


def test_only_a_few_models_are_tried_and_the_first_stands_for_all() -> None:
    names = [f"m{n}" for n in range(TRIES * 3)]
    model, asked = found(lists(*names, accepts=lambda _: False), lambda t: t.model("chat"))
    assert model == "m0"
    assert len([one for one in asked if one.method == "POST"]) == TRIES


def test_a_named_model_need_not_be_listed() -> None:
    async def find(target: Target) -> Any:
        await prepare(target, [rule(needs="embeddings"), rule(needs=("chat.stream", "models"))])
        return target.models

    models, _ = found(lists(), find, models={"chat": "mine"})
    assert models == {"chat": "mine", "embeddings": "mine"}


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"object": "list", "data": []}),
        Reply([]),
        Reply({"data": {"id": "a"}}),
        Reply({"data": [1]}),
        Reply({"data": [{"id": 7}]}),
        Reply(content=b"\xff"),
        refusal(404),
        refusal(500),
    ],
    ids=lambda reply: str(reply.body),
)
def test_a_server_that_lists_nothing_readable_needs_a_named_model(reply: Reply) -> None:
    with pytest.raises(Unreachable, match="name one with --model"):
        found(says(reply), lambda t: t.model("chat"))


def test_a_model_is_looked_for_once_in_a_run() -> None:
    async def find(target: Target) -> Any:
        return await asyncio.gather(*(target.model("embeddings") for _ in range(5)))

    listed = lists("a", "b", accepts=takes(("embeddings", "b")))
    models, asked = found(listed, find)
    assert models[0] == "b"
    assert len(asked) == 3


@pytest.mark.parametrize("capability", ["models", "auth", "cors", "chat"])
def test_a_declared_capability_makes_no_model_but_that_of_its_endpoint(capability: str) -> None:
    async def find(target: Target) -> Any:
        assert await target.has(capability)
        return target.models

    declared = frozenset({capability})
    models, _ = found(lists("a"), find, models={"chat": "mine"}, declared=declared)
    assert models == {"chat": "mine"}


# --- capabilities ---


@pytest.mark.parametrize(
    ("status", "there"),
    [
        (200, True),
        (400, False),
        (404, False),
        (405, False),
        (413, False),
        (415, False),
        (422, False),
        (501, False),
        (500, True),
        (502, True),
        (503, True),
        (401, True),
        (403, True),
        (408, True),
        (409, True),
        (429, True),
    ],
)
def test_a_capability_is_there_unless_it_is_refused_cleanly(status: int, there: bool) -> None:
    async def respond(asked: Asked) -> Reply:
        probed = asked.json.get("stream") is True
        return refusal(status) if probed and status != 200 else Reply(CHAT)

    seen, _ = found(respond, lambda t: t.has("chat.stream"), models={"chat": "m"})
    assert seen is there


def test_what_stands_below_an_absent_capability_is_absent_without_asking() -> None:
    seen, asked = found(
        says(refusal(404)), lambda t: t.has("chat.tools.required"), models={"chat": "m"}
    )
    assert seen is False
    assert len(asked) == 1


def test_a_capability_is_probed_once_in_a_run() -> None:
    async def find(target: Target) -> Any:
        return await asyncio.gather(*(target.has("chat.n") for _ in range(5)))

    seen, asked = found(says(Reply(CHAT)), find, models={"chat": "m"})
    assert seen == [True] * 5
    assert [one.json.get("n") for one in asked] == [None, 2]


def test_a_declared_capability_is_there_without_asking() -> None:
    declared = frozenset({"chat", "chat.n"})
    seen, asked = found(
        says(refusal(404)), lambda t: t.has("chat.n"), models={"chat": "m"}, declared=declared
    )
    assert (seen, asked) == (True, [])


@pytest.mark.parametrize("refuses_list", [True, False])
def test_a_server_with_keys_refuses_a_wrong_one_somewhere(refuses_list: bool) -> None:
    async def respond(asked: Asked) -> Reply:
        right = asked.headers.get("authorization") == "Bearer sk-right"
        return Reply(CHAT) if right or (asked.method == "GET") > refuses_list else refusal(401)

    seen, asked = found(respond, lambda t: t.has("auth"), key="sk-right")
    assert seen is True
    assert all(one.headers["authorization"] != "Bearer sk-right" for one in asked)


def test_a_server_without_keys_refuses_none() -> None:
    assert found(says(Reply(CHAT)), lambda t: t.has("auth"))[0] is False


@pytest.mark.parametrize(
    ("headers", "there"), [({"access-control-allow-origin": "*"}, True), ({}, False)]
)
def test_browsers_may_call_where_a_preflight_says_so(headers: dict[str, str], there: bool) -> None:
    seen, asked = found(says(Reply(status=204, headers=headers)), lambda t: t.has("cors"))
    assert seen is there
    assert asked[0].method == "OPTIONS"


@pytest.mark.parametrize(
    "reply",
    [Reply(CHAT), Reply([1]), Reply(content=b"\xff{"), refusal(400), Reply({"choices": [3]})],
    ids=["right", "array", "no JSON", "refused", "odd"],
)
def test_no_answer_confuses_a_probe(reply: Reply) -> None:
    async def find(target: Target) -> Any:
        return [await target.has(capability) for capability in CAPABILITIES]

    models = dict.fromkeys(("chat", "completions", "embeddings", "moderations"), "m")
    seen, _ = found(says(reply), find, models=models)
    assert {type(one) for one in seen} == {bool}


def test_a_document_that_was_not_given_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="no component Model"):
        Target("http://x").document_schema("Model")
