"""How the error of an invalid request tells which field is wrong."""

import re
from typing import Any

from contract_tests.check import SHOULD, Check, check
from contract_tests.expect import expect
from contract_tests.samples import CHAT
from contract_tests.server import REFUSED, Server
from contract_tests.sources import issue, live, peer, spec
from contract_tests.verdict import Uncooperative
from contract_tests.wire.exchange import Exchange

USER = {"role": "user", "content": "hi"}
HOT = {"temperature": "hot"}
# A fault deep within, where validators name the branches of their unions.
DEEP = {"messages": [USER, USER, {"role": "user", "content": [{"type": "text", "text": 5}]}]}
CLEAN = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*|\.\d+|\[\d+\])*")
MARKERS = frozenset(
    {"body", "str", "int", "float", "bool", "list", "dict", "union", "tagged", "constrained"}
)
ISSUES = issue("ayunis-core/ayunis-core#705", "stdapi-ai/stdapi.ai#296")


async def _refused(server: Server, change: dict[str, Any]) -> Exchange:
    body = {**server.chat_body(), **change}
    answer = await server.post(CHAT, body, fresh=False)
    if answer.status not in REFUSED:
        raise Uncooperative(f"the server does not refuse it: {answer.brief()}")
    return answer


async def _blamed(server: Server, change: dict[str, Any]) -> tuple[Exchange, Any]:
    """The refusal, and its `param`."""
    answer = await _refused(server, change)
    if "param" not in answer.error:
        raise Uncooperative("the error has no `param`: see errors.envelope.param")
    return answer, answer.error["param"]


def _names(name: str, rule: str, change: dict[str, Any], field: str) -> Check:
    @check(
        f"validation.param.{name}",
        SHOULD,
        rule,
        spec("Error/properties/param"),
        peer("vllm", "TestValidationErrorParamFallback"),
        ISSUES,
        needs="chat",
        clients="forms that show the error beside the field",
    )
    async def names(server: Server) -> None:
        answer, param = await _blamed(server, change)
        first = re.split(r"[.\[]", param)[0] if isinstance(param, str) else None
        expect(first == field, f"`param` to name {field}", answer.brief())

    return names


wrong = _names("wrong", "`param` names the field of a wrong type.", HOT, "temperature")
missing = _names("missing", "`param` names the missing field.", {"messages": None}, "messages")
deep = _names("deep", "`param` begins with the field in which the fault is.", DEEP, "messages")


@check(
    "validation.param.clean",
    SHOULD,
    "`param` is a path of the request, such as messages.2.content, without framework words.",
    peer("vllm", "TestCleanLocForParam"),
    needs="chat",
)
async def clean(server: Server) -> None:
    answer, param = await _blamed(server, DEEP)
    if param is None:
        raise Uncooperative("the error names no field")
    text = param if isinstance(param, str) else ""
    words = set(re.findall(r"[a-z_]+", text))
    expect(CLEAN.fullmatch(text) and not words & MARKERS, "a path of the request", answer.brief())


@check(
    "validation.status",
    SHOULD,
    "An invalid request is a 400, not a 422.",
    live("400 invalid_request_error"),
    needs="chat",
    clients="handlers of BadRequestError",
)
async def status(server: Server) -> None:
    for change in (HOT, {"messages": "hello"}):
        answer = await _refused(server, change)
        expect(answer.status == 400, "400", answer.brief())
