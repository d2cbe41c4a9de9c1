"""Whether a wait that ran out was a wait for the server's work, or for an end that never comes."""

import json
from typing import Any

from contract_tests.wire.exchange import Exchange
from contract_tests.wire.stream import DONE, Stream


def has_said_all(exchange: Exchange) -> bool:
    """Whether nothing is left to compute: the JSON is whole, or each choice of the stream is done.

    What is silent after that is no slow server, but an answer that does not end.
    """
    payloads = Stream(exchange).payloads
    if not payloads:
        return isinstance(_json(exchange.body), dict | list)
    return DONE in payloads or len(_finished(payloads)) >= _wanted(exchange)


def _finished(payloads: list[str]) -> set[str]:
    """The indices of the choices that have a finish_reason."""
    finished = set()
    for payload in payloads:
        chunk = _json(payload)
        choices = chunk.get("choices") if isinstance(chunk, dict) else None
        for choice in choices if isinstance(choices, list) else []:
            reason = choice.get("finish_reason") if isinstance(choice, dict) else None
            if isinstance(reason, str) and reason:
                finished.add(str(choice.get("index", 0)))
    return finished


def _wanted(exchange: Exchange) -> int:
    """How many choices the request asks for."""
    body = _json(exchange.request_body)
    if not isinstance(body, dict):
        return 1
    count, prompt = body.get("n"), body.get("prompt")
    several = isinstance(prompt, list) and all(isinstance(one, str | list) for one in prompt)
    prompts = len(prompt) if isinstance(prompt, list) and several else 1
    return max(1, prompts) * (count if isinstance(count, int) and count > 0 else 1)


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
