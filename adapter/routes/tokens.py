"""`POST /v1/tokenize` and `/v1/detokenize`: no operations of OpenAI's, in vLLM's shape."""

import orjson

from adapter.exchange import Exchange
from adapter.routes.operation import Operation
from adapter.service import Service
from backends.protocol import GenerationRequest, Tokenization, Tokenizes
from backends.protocol.prompt import prompt_text
from backends.protocol.tokenizer import encode
from backends.protocol.wire import (
    DetokenizeRequest,
    DetokenizeResponse,
    TokenizeRequest,
    TokenizeResponse,
)


async def tokenize(service: Service, exchange: Exchange) -> None:
    """The token ids of a prompt, or of messages as the model reads them."""
    body = await service.read(exchange, TokenizeRequest)
    model = await service.find(exchange, body.model)
    request = GenerationRequest(
        service.upstream(model.id), messages=body.messages or (), prompt=body.prompt
    )
    if isinstance(service.backend, Tokenizes):
        found = await service.backend.tokenize(request)
    else:
        found = Tokenization(encode(prompt_text(request)), model.context_tokens)
    answer = {
        "count": len(found.tokens),
        "max_model_len": found.context_tokens,
        "tokens": [*found.tokens],
    }
    await exchange.answer(orjson.dumps(answer))


async def detokenize(service: Service, exchange: Exchange) -> None:
    """The text of token ids."""
    body = await service.read(exchange, DetokenizeRequest)
    model = await service.find(exchange, body.model)
    text = await service.text(service.upstream(model.id), body.tokens, "tokens")
    await exchange.answer(orjson.dumps({"prompt": text}))


OPERATIONS = (
    Operation(
        "POST",
        "/v1/tokenize",
        tokenize,
        "tokenize",
        "Text to token ids",
        takes=TokenizeRequest,
        gives=TokenizeResponse,
        example={"model": "gpt-4o", "prompt": "Hello!"},
    ),
    Operation(
        "POST",
        "/v1/detokenize",
        detokenize,
        "detokenize",
        "Token ids to text",
        takes=DetokenizeRequest,
        gives=DetokenizeResponse,
        example={"model": "gpt-4o", "tokens": [72, 105]},
    ),
)
