"""Stored chat completions: a server that stores none says so."""

from typing import Any

from contract_tests.check import SHOULD, Check, check
from contract_tests.server import Server, refusal
from contract_tests.sources import live, spec

ONE = "/chat/completions/chatcmpl-no-such-completion-2f1c"


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
        refusal(await server.send(method, path, body), (*range(400, 500), 501))

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
    answer = await server.get("/chat/completions")
    if answer.status != 200:
        refusal(answer, (*range(400, 500), 501))
