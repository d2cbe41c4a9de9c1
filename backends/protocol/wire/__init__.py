"""OpenAI's requests and answers as pydantic models, under the names of the official schema.

They know types, bounds and enumerations. What takes two parameters to judge (`best_of` against
`n`), a tokenizer (a token id that no vocabulary has) or a JSON schema is left to the adapter.
"""

from backends.protocol.wire.answers.chat import ChatCompletion
from backends.protocol.wire.answers.chunks import ChatCompletionChunk
from backends.protocol.wire.answers.completions import Completion
from backends.protocol.wire.answers.embeddings import CreateEmbeddingResponse
from backends.protocol.wire.answers.errors import Error, ErrorResponse
from backends.protocol.wire.answers.models import ListModelsResponse, Model
from backends.protocol.wire.answers.moderations import CreateModerationResponse
from backends.protocol.wire.answers.tokens import DetokenizeResponse, TokenizeResponse
from backends.protocol.wire.chat import CreateChatCompletionRequest
from backends.protocol.wire.completions import CreateCompletionRequest
from backends.protocol.wire.embeddings import CreateEmbeddingRequest
from backends.protocol.wire.messages import (
    ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestDeveloperMessage,
    ChatCompletionRequestFunctionMessage,
    ChatCompletionRequestMessage,
    ChatCompletionRequestSystemMessage,
    ChatCompletionRequestToolMessage,
    ChatCompletionRequestUserMessage,
)
from backends.protocol.wire.model import WireModel
from backends.protocol.wire.moderations import CreateModerationRequest
from backends.protocol.wire.sampling import SamplingParameters
from backends.protocol.wire.tokens import DetokenizeRequest, TokenizeRequest

__all__ = [
    "ChatCompletion",
    "ChatCompletionChunk",
    "ChatCompletionRequestAssistantMessage",
    "ChatCompletionRequestDeveloperMessage",
    "ChatCompletionRequestFunctionMessage",
    "ChatCompletionRequestMessage",
    "ChatCompletionRequestSystemMessage",
    "ChatCompletionRequestToolMessage",
    "ChatCompletionRequestUserMessage",
    "Completion",
    "CreateChatCompletionRequest",
    "CreateCompletionRequest",
    "CreateEmbeddingRequest",
    "CreateEmbeddingResponse",
    "CreateModerationRequest",
    "CreateModerationResponse",
    "DetokenizeRequest",
    "DetokenizeResponse",
    "Error",
    "ErrorResponse",
    "ListModelsResponse",
    "Model",
    "SamplingParameters",
    "TokenizeRequest",
    "TokenizeResponse",
    "WireModel",
]
