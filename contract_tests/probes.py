"""How capabilities are found out: by a request that uses each.

A capability is there when the server accepts the request; whether it then works is for the checks
to say. It is not there when the server refuses with a 4xx or 501. Anything else, such as a 500,
counts as there, so that a broken feature fails instead of being skipped; so does no answer in time.
"""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from contract_tests.target import Target
    from contract_tests.wire.exchange import Exchange

Probe = Callable[["Target"], Coroutine[Any, Any, bool]]

# Statuses that say nothing about the request itself.
UNTELLING = frozenset({401, 403, 408, 409, 429})
WORDS = "Repeat exactly this sentence: The quick brown fox jumps over the lazy dog."
MESSAGES = [{"role": "user", "content": WORDS}]


def refused(answer: "Exchange") -> bool:
    """Whether the server refused the request itself, cleanly."""
    client_error = 400 <= answer.status < 500 and answer.status not in UNTELLING
    return client_error or answer.status == 501


def accepts(kind: str, path: str, body: Mapping[str, Any]) -> Probe:
    """A probe by a request of that kind."""

    async def probe(target: "Target") -> bool:
        content = {"model": await target.model(kind), **body}
        answer = await target.ask(target.exchange("POST", path, json.dumps(content).encode()))
        return not refused(answer)

    return probe


def chat(**params: Any) -> Probe:
    """A probe by a chat with those parameters."""
    body = {"messages": [{"role": "user", "content": WORDS}], **params}
    return accepts("chat", "/chat/completions", body)


def part(part: Mapping[str, Any]) -> Probe:
    """A probe by a chat with that part beside a text."""
    content = [{"type": "text", "text": WORDS}, part]
    return chat(messages=[{"role": "user", "content": content}])


def complete(**params: Any) -> Probe:
    """A probe by a legacy completion with those parameters."""
    # Some servers go on to the end of the context when no limit is given.
    limited = {"prompt": WORDS, "max_tokens": 16, **params}
    return accepts("completions", "/completions", limited)


def embed(**params: Any) -> Probe:
    """A probe by an embedding with those parameters."""
    return accepts("embeddings", "/embeddings", {"input": WORDS, **params})


async def tokenize(target: "Target") -> bool:
    """In vLLM's shape or in llama.cpp's."""
    shapes = ({"prompt": WORDS}, {"content": WORDS, "add_special": True})
    for shape in shapes:
        if await accepts("chat", "/tokenize", shape)(target):
            return True
    return False


async def lists_models(target: "Target") -> bool:
    """Whether there is a list of models."""
    return not refused(await target.ask(target.exchange("GET", "/models")))


async def retrieves_models(target: "Target") -> bool:
    """Whether there is a path for one model."""
    ids = await target.listed()
    # A server may know the path, and fail over the slash: that is for the checks to say.
    if not ids or any("/" in one for one in ids):
        return True
    answer = await target.ask(target.exchange("GET", f"/models/{quote(ids[0], safe='')}"))
    return answer.status not in {404, 405, 501}


async def asks_for_a_key(target: "Target") -> bool:
    """Whether a wrong key is refused."""
    # Some servers list their models to everyone.
    for method, path, content in (("GET", "/models", b""), ("POST", "/chat/completions", b"{}")):
        exchange = target.exchange(method, path, content, key="sk-certainly-wrong")
        if (await target.ask(exchange)).in_time().status in {401, 403}:
            return True
    return False


async def allows_browsers(target: "Target") -> bool:
    """Whether a preflight is answered."""
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = await target.ask(
        target.exchange("OPTIONS", "/chat/completions", headers=headers, key="")
    )
    return answer.in_time().header("access-control-allow-origin") is not None


async def _texts(target: "Target", path: str, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
    """The texts of the answers, as far as there are any; each request is really sent."""
    texts = []
    for body in bodies:
        answer = await target.send(target.exchange("POST", path, json.dumps(body).encode()))
        answer.in_time()
        try:
            choice = json.loads(answer.body)["choices"][0]
            text = choice["text"] if "text" in choice else choice["message"]["content"]
        except (ValueError, LookupError, TypeError):
            continue
        if text and isinstance(text, str):
            texts.append(text)
    return texts


async def deterministic_chat(target: "Target") -> bool:
    """Whether a chat at temperature 0 says the same three times."""
    body = {"model": await target.model("chat"), "messages": MESSAGES, "temperature": 0}
    texts = await _texts(target, "/chat/completions", [body] * 3)
    return len(texts) == 3 and len(set(texts)) == 1


async def deterministic_completion(target: "Target") -> bool:
    """Whether a completion at temperature 0 says the same three times."""
    model = await target.model("completions")
    body = {"model": model, "prompt": WORDS, "max_tokens": 16, "temperature": 0}
    texts = await _texts(target, "/completions", [body] * 3)
    return len(texts) == 3 and len(set(texts)) == 1


async def samples_chat(target: "Target") -> bool:
    """Whether a chat at temperature 2 says different things for different seeds."""
    body = {"model": await target.model("chat"), "messages": MESSAGES, "temperature": 2}
    if await target.has("chat.max_tokens"):
        body["max_tokens"] = 32  # a hot model may not come to an end
    texts = await _texts(target, "/chat/completions", [{**body, "seed": n} for n in range(4)])
    return len(set(texts)) > 1


async def has_document(target: "Target") -> bool:
    """Whether the run was given an OpenAPI document."""
    return target.document is not None


async def is_fuzzed(target: "Target") -> bool:
    """Whether the run fuzzes."""
    return target.fuzz is not None
