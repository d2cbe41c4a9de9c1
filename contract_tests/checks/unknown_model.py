"""A model that the server does not have."""

import json
from typing import Any

from contract_tests.check import SHOULD, Check, check
from contract_tests.expect import expect
from contract_tests.samples import CHAT, COMPLETIONS, NO_MODEL
from contract_tests.server import Server, refusal
from contract_tests.sources import issue, live, peer, rfc, sdk
from contract_tests.verdict import Uncooperative
from contract_tests.wire.exchange import Exchange

SOURCES = (
    peer("ogx", "test_invalid_model_raises_not_found_error"),
    sdk("NotFoundError"),
    live("model_not_found"),
)
ISSUES = issue(
    "songquanpeng/one-api#1494", "ollama/ollama#6646", "silasnevstad/GPT-Extension-VSCode#10"
)
HANDLERS = "handlers of NotFoundError; a 5xx is sent three times"


def _status(name: str, path: str, body: dict[str, Any], needs: str) -> Check:
    kind = path.rpartition("/")[2]

    @check(
        f"errors.unknown_model.{name}",
        SHOULD,
        f"An unknown model is a 404 for {kind}{' with stream' if 'stream' in body else ''}.",
        SOURCES,
        ISSUES,
        issue("sgl-project/sglang#31419"),
        needs=needs,
        clients=HANDLERS,
    )
    async def unknown(server: Server) -> None:
        answer = await server.post(path, {"model": NO_MODEL, **body}, fresh=False)
        refusal(answer, 404)

    return unknown


HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello."}]}
chat = _status("chat", CHAT, HELLO, "chat")
chat_stream = _status("chat_stream", CHAT, {**HELLO, "stream": True}, "chat.stream")
completions = _status("completions", COMPLETIONS, {"prompt": "Hello."}, "completions")
completions_stream = _status(
    "completions_stream", COMPLETIONS, {"prompt": "Hello.", "stream": True}, "completions.stream"
)


async def _refused(server: Server) -> Exchange:
    answer = await server.post(CHAT, {"model": NO_MODEL, **HELLO}, fresh=False)
    if answer.status < 400:
        raise Uncooperative("the server takes any model")
    return answer


@check(
    "errors.unknown_model.twice",
    SHOULD,
    "Of a model that is named twice one counts: an unknown one is refused in one of both places.",
    rfc("RFC 8259 §4: readers differ in which of two names they take"),
    needs="chat",
    clients="gateways whose lists of allowed models are passed by",
)
async def twice(server: Server) -> None:
    await _refused(server)
    known = server.model("chat")
    answers = [
        await server.send("POST", CHAT, content=_named_twice(first, second))
        for first, second in ((known, NO_MODEL), (NO_MODEL, known))
    ]
    served = [answer.brief() for answer in answers if answer.status < 400]
    expect(len(served) < 2, "a refusal in one of both orders", served)


def _named_twice(first: str, second: str) -> bytes:
    rest = json.dumps(HELLO).removeprefix("{")
    return f'{{"model": {json.dumps(first)}, "model": {json.dumps(second)}, {rest}'.encode()


@check(
    "errors.unknown_model.code",
    SHOULD,
    "The error of an unknown model has the code model_not_found.",
    SOURCES,
    ISSUES,
    needs="chat",
    clients="handlers that look at the code",
)
async def code(server: Server) -> None:
    answer = await _refused(server)
    expect(answer.error.get("code") == "model_not_found", "model_not_found", answer.brief())


@check(
    "errors.unknown_model.named",
    SHOULD,
    "The error of an unknown model names it.",
    peer("ogx", "test_invalid_model_raises_not_found_error"),
    live("the message quotes the model"),
    needs="chat",
)
async def named(server: Server) -> None:
    answer = await _refused(server)
    expect(NO_MODEL in str(answer.error.get("message")), f"{NO_MODEL} in it", answer.brief())
