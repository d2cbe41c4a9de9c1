"""The one normalised request that chat, legacy completions and responses all become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from backends.protocol.wire import ChatCompletionRequestMessage


@dataclass(slots=True)
class Sampling:
    """How the next token is drawn; the values are OpenAI's defaults."""

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class Tool:
    """A tool the model may call: a function with JSON arguments, or custom with plain input.

    `param` is where its schema or format stands in the request, for an error that names it.
    `cache_control` is Anthropic's mark of a prefix worth keeping, as the client sent it.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    kind: Literal["function", "custom"] = "function"
    format: Mapping[str, Any] | None = None
    param: str = "tools"
    cache_control: Mapping[str, Any] | None = None


@dataclass(slots=True)
class ToolChoice:
    """Whether a tool must be called, which ones may be (None: all), and whether several at once."""

    mode: Literal["none", "auto", "required"] = "none"
    allowed: Sequence[str] | None = None
    parallel: bool = True


@dataclass(slots=True)
class ResponseFormat:
    """The form the text must have; `schema` is set for `json_schema` alone.

    `param` is where it stands in the request, for an error that names it.
    """

    type: Literal["text", "json_object", "json_schema"] = "text"
    schema: Mapping[str, Any] | None = None
    strict: bool = False
    param: str = "response_format"


@dataclass(slots=True)
class GenerationRequest:
    """What to generate: from `messages`, or from `prompt` (with its ids if the client sent ids).

    `logprobs` is the number of alternatives wanted beside each token, None for no logprobs.
    `max_tokens` bounds everything generated, reasoning included. `prompt_tokens` is filled in by
    whoever counts them first. `user` is who stands behind the client, by an id; `service_tier` and
    `cache_control` are as the client sent them.
    """

    model: str
    messages: Sequence[ChatCompletionRequestMessage] = ()
    prompt: str | None = None
    prompt_token_ids: Sequence[int] | None = None
    suffix: str | None = None
    echo: bool = False
    max_tokens: int | None = None
    stop: Sequence[str] = ()
    n: int = 1
    logprobs: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    tools: Sequence[Tool] = ()
    tool_choice: ToolChoice = field(default_factory=ToolChoice)
    response_format: ResponseFormat = field(default_factory=ResponseFormat)
    reasoning_effort: str | None = None
    verbosity: str | None = None
    user: str | None = None
    service_tier: str | None = None
    cache_control: Mapping[str, Any] | None = None
    prompt_tokens: int | None = None

    def prompt_characters(self) -> int:
        """The length of the prompt's text: a bound that costs less than a count of tokens."""
        if self.prompt is not None:
            return len(self.prompt)
        return sum(len(text_of(message.content)) for message in self.messages)

    @property
    def callable_tools(self) -> list[Tool]:
        """The tools that may be called under the tool choice."""
        if self.tool_choice.mode == "none":
            return []
        allowed = self.tool_choice.allowed
        return [tool for tool in self.tools if allowed is None or tool.name in allowed]

    def last_user_text(self) -> str:
        """The text of the last user message, or the prompt."""
        if self.prompt is not None:
            return self.prompt
        for message in reversed(self.messages):
            if message.role == "user":
                return text_of(message.content)
        return text_of(self.messages[-1].content) if self.messages else ""


def text_of(content: str | list[Any] | None) -> str:
    """The joined text of a message's content, whether a string or a list of parts."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join([part.text for part in content if part.type == "text"])
