"""`POST /v1/completions`, the legacy completions."""

from adapter.exchange import Exchange
from adapter.parse.completion import completion_requests
from adapter.parse.support import require_support
from adapter.render.completion import CompletionRender
from adapter.render.fold import Folded, FoldedChoice
from adapter.render.head import Head, new_id
from adapter.routes.operation import Operation
from adapter.service import Service
from backends.protocol.wire import Completion, CreateCompletionRequest


async def create_completion(service: Service, exchange: Exchange) -> None:
    """Complete one or several prompts, whole or as a stream of chunks."""
    body = await service.read(exchange, CreateCompletionRequest)
    model = await service.find(exchange, body.model)
    require_support(body, service.honours, model.id)
    requests = completion_requests(body)
    ranked = requests[0].n > (body.n or 1)
    for request in requests:
        request.model = service.upstream(model.id)
        if request.prompt_token_ids is not None:
            request.prompt = await service.text(request.model, request.prompt_token_ids, "prompt")
        if ranked and request.logprobs is None:
            request.logprobs = 0
    options = body.stream_options
    render = CompletionRender(
        Head(new_id("cmpl-"), body.model),
        include_usage=bool(options and options.include_usage),
        logprobs=body.logprobs is not None,
    )
    if body.stream:
        await service.stream(exchange, requests, render)
        return
    folded = await service.whole(exchange, requests)
    if ranked:
        keep_best(folded, len(requests), body.n or 1)
    await exchange.answer(render.whole(folded))


def keep_best(folded: Folded, prompts: int, n: int) -> None:
    """Keep the `n` likeliest choices of each prompt; all of them stay counted in the usage."""
    candidates = len(folded.choices) // prompts
    groups = [
        folded.choices[start : start + candidates]
        for start in range(0, len(folded.choices), candidates)
    ]
    folded.choices = [
        choice for group in groups for choice in sorted(group, key=_likelihood, reverse=True)[:n]
    ]


def _likelihood(choice: FoldedChoice) -> float:
    """The mean log probability per token of its own."""
    own = choice.logprobs[choice.echoed :]
    known = [token.logprob for token in own if token.logprob is not None]
    return sum(known) / len(known) if known else 0.0


OPERATIONS = (
    Operation(
        "POST",
        "/v1/completions",
        create_completion,
        "text_completion",
        "Complete a prompt",
        takes=CreateCompletionRequest,
        gives=Completion,
        streams=Completion,
        example={"model": "gpt-3.5-turbo-instruct", "prompt": "Hello!"},
    ),
)
