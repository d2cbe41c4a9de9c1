"""A chat request to a `GenerationRequest`, with the rules that hold between its fields."""

from adapter.parse.schemas import require_schema
from adapter.parse.tools import tool_choice_of, tools_of
from backends.protocol import GenerationRequest, ResponseFormat, Sampling
from backends.protocol.errors import BadRequestError, UnsupportedParameter
from backends.protocol.wire import CreateChatCompletionRequest, SamplingParameters


def chat_request(body: CreateChatCompletionRequest) -> GenerationRequest:
    """What a chat request asks to generate.

    Raises:
        BadRequestError: two fields contradict each other; `param` names one of them.
    """
    require_stream_options(body)
    if body.max_tokens is not None and body.max_completion_tokens is not None:
        raise BadRequestError(
            "'max_tokens' is the older name of 'max_completion_tokens': send one of them.",
            param="max_tokens",
        )
    if body.top_logprobs is not None and not body.logprobs:
        raise BadRequestError(
            "'top_logprobs' is only allowed when 'logprobs' is true.", param="top_logprobs"
        )
    _require_calls_before_results(body)
    tools = tools_of(body)
    return GenerationRequest(
        model=body.model,
        messages=body.messages,
        max_tokens=body.max_completion_tokens or body.max_tokens,
        stop=stop_of(body),
        n=body.n or 1,
        logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        sampling=sampling_of(body),
        tools=tools,
        tool_choice=tool_choice_of(body, tools),
        response_format=_response_format(body),
        reasoning_effort=body.reasoning_effort,
        verbosity=body.verbosity,
        user=body.safety_identifier or body.user,
        service_tier=body.service_tier,
        cache_control=body.cache_mark(),
    )


def require_stream_options(body: SamplingParameters) -> None:
    """Refuse `stream_options` on a request that does not stream, and padding we do not add."""
    if body.stream_options is not None and not body.stream:
        raise BadRequestError(
            "'stream_options' is only allowed when 'stream' is true.", param="stream_options"
        )
    if body.stream_options is not None and body.stream_options.include_obfuscation:
        raise UnsupportedParameter(
            "This server does not obfuscate its streams.",
            param="stream_options.include_obfuscation",
        )


def sampling_of(body: SamplingParameters) -> Sampling:
    """The sampling parameters, with OpenAI's defaults for those left out."""
    return Sampling(
        1.0 if body.temperature is None else body.temperature,
        1.0 if body.top_p is None else body.top_p,
        body.seed,
        body.frequency_penalty or 0.0,
        body.presence_penalty or 0.0,
        {int(token): bias for token, bias in (body.logit_bias or {}).items()},
    )


def stop_of(body: SamplingParameters) -> tuple[str, ...]:
    """The stop strings; an empty one stops nothing and is left out."""
    stops = (body.stop,) if isinstance(body.stop, str) else body.stop or ()
    return tuple(stop for stop in stops if stop)


def _response_format(body: CreateChatCompletionRequest) -> ResponseFormat:
    wanted = body.response_format
    if wanted is None or wanted.type == "text":
        return ResponseFormat()
    if wanted.type == "json_object":
        return ResponseFormat("json_object")
    schema = wanted.json_schema.schema_ or {}
    param = "response_format.json_schema.schema"
    require_schema(schema, param)
    return ResponseFormat("json_schema", schema, bool(wanted.json_schema.strict), param)


def _require_calls_before_results(body: CreateChatCompletionRequest) -> None:
    called: set[str] = set()
    for index, message in enumerate(body.messages):
        if message.role == "assistant":
            called.update(call.id for call in message.tool_calls or ())
        elif message.role == "tool" and message.tool_call_id not in called:
            raise BadRequestError(
                "A tool message must answer a call of an assistant message before it;"
                f" none has the id '{message.tool_call_id[:64]}'.",
                param=f"messages.{index}.tool_call_id",
            )
