"""A legacy completion request to one `GenerationRequest` a prompt."""

from collections.abc import Sequence

from adapter.parse.chat import require_stream_options, sampling_of, stop_of
from backends.protocol import GenerationRequest
from backends.protocol.errors import BadRequestError
from backends.protocol.wire import CreateCompletionRequest

DEFAULT_MAX_TOKENS = 16
DEFAULT_PROMPT = "<|endoftext|>"
MAX_CHOICES = 2048

Prompt = str | Sequence[int]


def completion_requests(body: CreateCompletionRequest) -> list[GenerationRequest]:
    """What a legacy completion request asks to generate, a request for each of its prompts.

    A prompt of token ids has `prompt_token_ids` and no `prompt` yet.

    Raises:
        BadRequestError: two fields contradict each other; `param` names one of them.
    """
    require_stream_options(body)
    prompts, n = _prompts(body), body.n or 1
    best_of = n if body.best_of is None else body.best_of
    if best_of < n:
        raise BadRequestError(f"'best_of' must be at least 'n', which is {n}.", param="best_of")
    if body.best_of is not None and best_of > 1 and body.stream:
        raise BadRequestError("'best_of' cannot be streamed.", param="best_of")
    if len(prompts) * best_of > MAX_CHOICES:
        raise BadRequestError(
            f"The prompts times 'n' are more than {MAX_CHOICES} choices.", param="n"
        )
    return [
        GenerationRequest(
            model=body.model,
            prompt=prompt if isinstance(prompt, str) else None,
            prompt_token_ids=None if isinstance(prompt, str) else prompt,
            suffix=body.suffix,
            echo=bool(body.echo),
            max_tokens=DEFAULT_MAX_TOKENS if body.max_tokens is None else body.max_tokens,
            stop=stop_of(body),
            n=best_of,
            logprobs=body.logprobs,
            sampling=sampling_of(body),
            user=body.user,
        )
        for prompt in prompts
    ]


def _prompts(body: CreateCompletionRequest) -> Sequence[Prompt]:
    prompt = body.prompt
    if prompt is None:
        return [DEFAULT_PROMPT]
    if isinstance(prompt, str):
        return [prompt]
    return [prompt] if isinstance(prompt[0], int) else prompt
