"""The first contact: is there an API at that URL, and may we use it?"""

from contract_tests.expect import show
from contract_tests.target import Target
from contract_tests.verdict import Unreachable
from contract_tests.wire.client import Client
from contract_tests.wire.exchange import Exchange


async def reach(target: Target) -> None:
    """Nothing, if the server answers as an API does.

    Raises:
        Unreachable: it does not; the message says what to do about it.
    """
    first = Client(target.timeout_s, target.verify)
    try:
        models = await first.send(target.exchange("GET", "/models"))
        _usable(target, models)
        # Not a question: it is refused, or, by a server that answers anything, answered shortly.
        chat = await first.send(target.exchange("POST", "/chat/completions", b'{"max_tokens": 1}'))
        _usable(target, chat)
    finally:
        await first.aclose()
    if models.status == chat.status == 404:
        hint = "" if target.url.endswith("/v1") else f"; try {target.url}/v1"
        raise Unreachable(
            f"no OpenAI API at {target.url}: GET /models and POST /chat/completions are 404{hint}"
        )


def _usable(target: Target, answer: Exchange) -> None:
    where = f"{answer.method} {answer.url}"
    if answer.timed_out:
        raise Unreachable(f"{where} took too long: {answer.fault}; --timeout-s gives it more")
    if answer.fault and not answer.body:
        raise Unreachable(f"{where} got no answer: {answer.fault}")
    if answer.fault:
        raise Unreachable(f"{where} got an answer without an end: {answer.fault}")
    if answer.status in {401, 403}:
        given = "the key was refused" if target.key else "it asks for a key"
        raise Unreachable(
            f"{where} is {answer.status}: {given}; give one with --api-key or OPENAI_API_KEY"
        )
    if answer.media_type == "text/html" or answer.text.lstrip()[:1] == "<":
        raise Unreachable(
            f"{where} answers with a web page, not an API: {show(answer.text.strip(), 80)!r}"
        )
