"""Numbers outside the bounds that the schema states."""

from typing import Any

from contract_tests.check import MUST, Check, check
from contract_tests.checks.validation import KINDS, SCHEMAS
from contract_tests.samples import CHAT, COMPLETIONS
from contract_tests.server import Server
from contract_tests.sources import peer, spec

PEERS = (peer("vllm", "test_too_many_chat_logprobs"), peer("ogx", "test_invalid_temperature"))
SAMPLING = "ModelResponseProperties/properties"
BOUNDS = {"low": "minimum", "high": "maximum"}


def _range(
    side: str, field: str, value: float, needs: str, path: str = CHAT, **with_it: Any
) -> Check:
    kind, content, default = KINDS[path]
    where = f"{SCHEMAS[path]}/properties/{field}"
    if path == CHAT and field in {"temperature", "top_p"}:
        where = f"{SAMPLING}/{field}/anyOf/0"
    prefix = "" if path == CHAT else f"{kind}_"

    @check(
        f"validation.range.{prefix}{field}_{side}",
        MUST,
        f"A `{field}` of {value} is out of range and refused.",
        spec(f"{where}/{BOUNDS[side]}"),
        PEERS,
        needs=needs,
    )
    async def out_of_range(server: Server) -> None:
        body = {"model": server.model(kind), content: default, **with_it, field: value}
        await server.refuses(path, body, fresh=False)

    return out_of_range


temperature_low = _range("low", "temperature", -0.1, "chat.temperature")
temperature_high = _range("high", "temperature", 2.1, "chat.temperature")
top_p_low = _range("low", "top_p", -0.1, "chat")
top_p_high = _range("high", "top_p", 1.1, "chat")
frequency_low = _range("low", "frequency_penalty", -2.1, "chat.penalties")
frequency_high = _range("high", "frequency_penalty", 2.1, "chat.penalties")
presence_low = _range("low", "presence_penalty", -2.1, "chat.penalties")
presence_high = _range("high", "presence_penalty", 2.1, "chat.penalties")
n_low = _range("low", "n", 0, "chat")
# One token each, lest a server that accepts it writes 129 long answers.
n_high = _range("high", "n", 129, "chat", max_tokens=1)
top_logprobs_high = _range("high", "top_logprobs", 21, "chat.logprobs", logprobs=True)

completions_temperature = _range("high", "temperature", 2.1, "completions", COMPLETIONS)
completions_top_p = _range("high", "top_p", 1.1, "completions", COMPLETIONS)
completions_n = _range("high", "n", 129, "completions.n", COMPLETIONS, max_tokens=1)
