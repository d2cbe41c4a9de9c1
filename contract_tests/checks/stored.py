"""Stored chat completions: a server that stores none says so."""

from typing import Any

from contract_tests.check import SHOULD, Check, check
from contract_tests.checks.refusals import NO_PATH
from contract_tests.samples import CHAT
from contract_tests.server import Server, refusal
from contract_tests.sources import live, spec
from contract_tests.verdict import Broken, Unsupported
from contract_tests.wire.exchange import Exchange

ONE = f"{CHAT}/chatcmpl-no-such-completion-2f1c"
NONE = (404, 405, 501)


async def _refused(server: Server, answer: Exchange) -> None:
    """That the answer is a refusal, or the one that any unknown path or wrong method gets."""
    try:
        refusal(answer, (*range(400, 500), 501))
    except Broken:
        if answer.status not in NONE:
            raise
        # What is wrong with these, errors.unknown_path and errors.wrong_method say.
        others = [await server.get(NO_PATH), await server.send("PUT", CHAT, {}, fresh=False)]
        if _shape(answer) not in [_shape(other) for other in others if not other.ok]:
            raise
        raise Unsupported("no stored completions") from None


def _shape(answer: Exchange) -> Any:
    """The keys of a JSON body; the media type of any other."""
    try:
        return _keys(answer.json)
    except Broken:
        return answer.media_type


def _keys(value: Any) -> Any:
    return {key: _keys(inner) for key, inner in value.items()} if isinstance(value, dict) else None


def _absent(name: str, method: str, path: str, pointer: str) -> Check:
    @check(
        f"stored.{name}",
        SHOULD,
        f"{method} of a stored completion that is not there is a 4xx or 501 with an error body.",
        spec(pointer),
        live("404 for an unknown completion"),
        needs="chat",
        clients="SDKs repeat a request that got a 5xx, and cannot read an error page",
    )
    async def absent(server: Server) -> None:
        body: Any = {"metadata": {}} if method == "POST" else None
        await _refused(server, await server.send(method, path, body))

    return absent


DOCUMENT = "/paths/~1chat~1completions~1{completion_id}"
get = _absent("get", "GET", ONE, f"{DOCUMENT}/get")
update = _absent("update", "POST", ONE, f"{DOCUMENT}/post")
delete = _absent("delete", "DELETE", ONE, f"{DOCUMENT}/delete")
messages = _absent("messages", "GET", f"{ONE}/messages", f"{DOCUMENT}~1messages/get")


@check(
    "stored.list",
    SHOULD,
    "The list of stored completions is there, or is a 4xx or 501 with an error body.",
    spec("/paths/~1chat~1completions/get"),
    needs="chat",
)
async def listed(server: Server) -> None:
    answer = await server.get(CHAT)
    if answer.status != 200:
        await _refused(server, answer)
