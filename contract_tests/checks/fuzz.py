"""What property-based fuzzing finds, where `--fuzz` asks for it."""

import asyncio

from contract_tests.check import MUST, SHOULD, Check, Level, check
from contract_tests.fuzz.campaign import Finding, campaign
from contract_tests.server import Server
from contract_tests.sources import Source, issue, peer, sdk, spec
from contract_tests.verdict import Broken


async def _findings(server: Server) -> list[Finding]:
    target = server.target
    fuzz = target.fuzz
    if fuzz is None:
        return []
    models = {kind: name for kind, name in target.models.items() if await target.has(kind)}
    return await target.once(
        "fuzz",
        lambda: asyncio.to_thread(campaign, fuzz, target.url, target.key, models, target.timeout_s),
    )


def _rule(
    name: str, level: Level, rule: str, *sources: Source | tuple[Source, ...], clients: str = ""
) -> Check:
    @check(
        f"fuzz.{name}", level, rule, *sources, needs=("fuzz", "chat"), clients=clients, alone=True
    )
    async def keeps(server: Server) -> None:
        server.asked += 1
        findings = await _findings(server)
        found = [one for one in findings if one.rule == name]
        server.exchanges.extend(one.exchange for one in reversed(found))
        if found:
            others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise Broken("the rule kept by every fuzzed request", f"{found[0].fault}{others}")
        for one in findings:
            one.exchange.in_time()

    return keeps


server_error = _rule(
    "server_error",
    MUST,
    "No request, valid or not, makes the server fail.",
    sdk("_base_client._should_retry: a 5xx is sent again"),
    peer("llmprobe", "error codes"),
)
envelope = _rule(
    "envelope",
    MUST,
    "Every refusal of a fuzzed request has OpenAI's error body.",
    spec("ErrorResponse"),
    issue("ray-project/ray#64833"),
    clients="openai-node prints no message",
)
refuses_invalid = _rule(
    "refuses_invalid",
    SHOULD,
    "What breaks the request's schema is refused.",
    spec("CreateChatCompletionRequest"),
    peer("llama.cpp", "test_invalid_chat_completion_req"),
)
refuses_by_name = _rule(
    "refuses_by_name",
    SHOULD,
    "A request that keeps the schema is answered, or refused by a parameter's name.",
    spec("Error/properties/param"),
)
schema = _rule(
    "schema",
    MUST,
    "What a fuzzed request gets keeps its schema.",
    spec("CreateChatCompletionResponse"),
    sdk("types.chat"),
)
stream = _rule(
    "stream",
    MUST,
    "A stream that a fuzzed request gets has one finish a choice, and one [DONE] at its end.",
    spec("ChatCompletionStreamOptions"),
    issue("ikawrakow/ik_llama.cpp#467"),
    clients="load generators and agents that wait for the end",
)
