"""`POST /v1/chat/completions`."""

from adapter.exchange import Exchange
from adapter.parse.chat import chat_request
from adapter.parse.support import require_support
from adapter.render.chat import ChatRender
from adapter.render.head import Head, new_id
from adapter.routes.operation import Operation
from adapter.service import Service
from backends.protocol.wire import ChatCompletion, ChatCompletionChunk, CreateChatCompletionRequest


async def create_chat_completion(service: Service, exchange: Exchange) -> None:
    """Answer a chat, whole or as a stream of chunks."""
    body = await service.read(exchange, CreateChatCompletionRequest)
    model = await service.find(exchange, body.model)
    require_support(body, service.honours, model.id)
    request = chat_request(body)
    request.model = service.upstream(model.id)
    options = body.stream_options
    render = ChatRender(
        Head(new_id("chatcmpl-"), body.model, body.service_tier),
        include_usage=bool(options and options.include_usage),
        logprobs=bool(body.logprobs),
        legacy=bool(body.functions),
        custom=frozenset(tool.name for tool in request.tools if tool.kind == "custom"),
    )
    if body.stream:
        await service.stream(exchange, [request], render)
    else:
        await exchange.answer(render.whole(await service.whole(exchange, [request])))


OPERATIONS = (
    Operation(
        "POST",
        "/v1/chat/completions",
        create_chat_completion,
        "chat",
        "Create a chat completion",
        takes=CreateChatCompletionRequest,
        gives=ChatCompletion,
        streams=ChatCompletionChunk,
        example={"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]},
    ),
)
