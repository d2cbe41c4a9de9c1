"""Fields that the API does not know."""

from contract_tests.check import SHOULD, check
from contract_tests.expect import expect
from contract_tests.samples import CHAT
from contract_tests.server import Server, refusal
from contract_tests.sources import live, peer
from contract_tests.wire.exchange import Exchange

FIELD = "contract_test_field"
EXTRA = {FIELD: 1}


async def _ask(server: Server, **params: bool) -> Exchange:
    body = {**server.chat_body("Say hi."), **params, **EXTRA}
    return await server.post(CHAT, body, fresh=False)


@check(
    "validation.extra.named",
    SHOULD,
    "An unknown field is ignored, or refused by an error that names it.",
    peer("vllm", "test_extra_fields_allowed"),
    live("Unrecognized request argument supplied"),
    needs="chat",
)
async def named(server: Server) -> None:
    answer = await _ask(server)
    if not answer.ok:
        error = refusal(answer).error
        told = f"{error.get('message')} {error.get('param')}"
        expect(FIELD in told, f"{FIELD} in the error", answer.brief())


@check(
    "validation.extra.consistent",
    SHOULD,
    "An unknown field fares the same with stream and without.",
    peer("vllm", "test_extra_fields_allowed"),
    needs="chat.stream",
)
async def consistent(server: Server) -> None:
    plain, streamed = await _ask(server), await _ask(server, stream=True)
    expect(streamed.status == plain.status, f"{plain.status}", streamed.brief())
    kind = "text/event-stream" if plain.ok else "application/json"
    expect(streamed.media_type == kind, kind, streamed.header("content-type") or "no content-type")
