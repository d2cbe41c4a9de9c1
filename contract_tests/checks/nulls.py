"""Parameters given as null, which is the same as leaving them out."""

from typing import Any

from contract_tests.check import MAY, MUST, Check, Level, check
from contract_tests.expect import expect
from contract_tests.samples import CHAT, WEATHER
from contract_tests.server import Server
from contract_tests.sources import issue, spec
from contract_tests.verdict import Unsupported
from contract_tests.wire.exchange import Exchange

# What the schema calls nullable, each with a value to ask whether the server knows it at all.
NULLABLE: dict[str, Any] = {
    "temperature": 1,
    "top_p": 1,
    "n": 1,
    "stop": ["\u0001"],
    "max_tokens": 100,
    "max_completion_tokens": 100,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logit_bias": {},
    "seed": 7,
    "stream": False,
    "logprobs": False,
}
# What SDKs serialise as null although the schema does not call it nullable.
SERIALISED: dict[str, Any] = {
    "tools": [WEATHER],
    "response_format": {"type": "text"},
    "user": "someone",
}
POINTERS = {
    "temperature": "ModelResponseProperties/properties/temperature/anyOf/1",
    "top_p": "ModelResponseProperties/properties/top_p/anyOf/1",
    "stop": "StopConfiguration/nullable",
    "user": "ModelResponseProperties/properties/user",
}


def _null(field: str, level: Level, together: dict[str, Any]) -> Check:
    known = {**NULLABLE, **SERIALISED}[field]
    properties = "CreateChatCompletionRequest/allOf/1/properties"
    nullable = "/nullable" if together else ""

    @check(
        f"validation.null.{field}",
        level,
        f"`{field}: null` is the same as no `{field}`.",
        spec(POINTERS.get(field, f"{properties}/{field}{nullable}")),
        issue("ggml-org/llama.cpp#25515"),
        needs="chat",
        clients="Rust and Java SDKs that serialise nulls",
    )
    async def null(server: Server) -> None:
        # One request for all of them; one each only where that is not answered as it should be.
        if together and _one(await _ask(server, dict.fromkeys(together))):
            return
        answer = await _ask(server, {field: None})
        if 400 <= answer.status < 500:
            other = await _ask(server, {field: known})
            if 400 <= other.status < 500:
                raise Unsupported(f"the server refuses {field} altogether")
        expect(_one(answer), f"an answer of one choice to `{field}: null`", answer.brief())

    return null


async def _ask(server: Server, params: dict[str, Any]) -> Exchange:
    return await server.post(CHAT, server.chat_body("Say hi.", **params), fresh=False)


def _one(answer: Exchange) -> bool:
    if answer.status != 200 or answer.media_type != "application/json":
        return False
    body = answer.json
    choices = body.get("choices") if isinstance(body, dict) else None
    return isinstance(choices, list) and len(choices) == 1


temperature = _null("temperature", MUST, NULLABLE)
top_p = _null("top_p", MUST, NULLABLE)
n = _null("n", MUST, NULLABLE)
stop = _null("stop", MUST, NULLABLE)
max_tokens = _null("max_tokens", MUST, NULLABLE)
max_completion_tokens = _null("max_completion_tokens", MUST, NULLABLE)
presence_penalty = _null("presence_penalty", MUST, NULLABLE)
frequency_penalty = _null("frequency_penalty", MUST, NULLABLE)
logit_bias = _null("logit_bias", MUST, NULLABLE)
seed = _null("seed", MUST, NULLABLE)
stream = _null("stream", MUST, NULLABLE)
logprobs = _null("logprobs", MUST, NULLABLE)
tools = _null("tools", MAY, {})
response_format = _null("response_format", MAY, {})
user = _null("user", MAY, {})
