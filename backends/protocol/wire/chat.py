"""The request for a chat completion."""

from typing import Annotated, Literal

from pydantic import Field

from backends.protocol.wire.caching import Cacheable, PromptCacheOptionsParam
from backends.protocol.wire.choice import ChatCompletionToolChoiceOption, FunctionCallOption
from backends.protocol.wire.features import (
    AudioParam,
    ModerationParam,
    PredictionContent,
    WebSearchOptions,
)
from backends.protocol.wire.formats import ResponseFormat
from backends.protocol.wire.messages import Messages
from backends.protocol.wire.metadata import Metadata
from backends.protocol.wire.model import Array
from backends.protocol.wire.sampling import SamplingParameters
from backends.protocol.wire.tools import Functions, Tools

ServiceTier = Literal["auto", "default", "flex", "scale", "priority", "fast"]
Verbosity = Literal["low", "medium", "high"]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
TokenLimit = Annotated[int, Field(ge=1)]


class CreateChatCompletionRequest(SamplingParameters, Cacheable):
    """The body of `POST /v1/chat/completions`; null is the same as left out."""

    messages: Messages
    audio: AudioParam | None = None
    logprobs: bool | None = None
    max_completion_tokens: TokenLimit | None = None
    metadata: Metadata | None = None
    modalities: Array[Literal["text", "audio"]] | None = None
    moderation: ModerationParam | None = None
    parallel_tool_calls: bool | None = None
    prediction: PredictionContent | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: PromptCacheOptionsParam | None = None
    reasoning_effort: ReasoningEffort | None = None
    response_format: ResponseFormat | None = None
    safety_identifier: Annotated[str, Field(max_length=64)] | None = None
    service_tier: ServiceTier | None = None
    store: bool | None = None
    tool_choice: ChatCompletionToolChoiceOption | None = None
    tools: Tools | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    verbosity: Verbosity | None = None
    web_search_options: WebSearchOptions | None = None

    # Older names: tool_choice, tools, max_completion_tokens and prompt_cache_options replace them.
    function_call: FunctionCallOption | None = None
    functions: Functions | None = None
    max_tokens: TokenLimit | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
