"""The seam between the adapter and every backend. No web framework, no torch.

| file | holds |
|---|---|
| `backend.py` | `Backend` and the optional protocols beside it |
| `request.py` | `GenerationRequest`, what a backend is asked for |
| `events.py` | what a backend yields |
| `errors.py` | what a backend raises |
| `relay.py` | a whole exchange handed on as bytes |
| `media.py` | what kind of image some bytes are |
| `tokenizer.py` | the default tokenizer, by which pieces are counted |
| `wire/` | OpenAI's requests and answers as pydantic models |
"""

from backends.protocol.backend import (
    SAMPLING,
    Advises,
    Backend,
    Closes,
    EmbeddingRequest,
    Embeddings,
    Embeds,
    Honours,
    Lists,
    Measure,
    Measures,
    Model,
    Moderates,
    Moderation,
    ModerationInput,
    Ready,
    Starts,
    TakesUnlisted,
    Tokenization,
    Tokenizes,
)
from backends.protocol.events import (
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextRun,
    TokenLogprob,
    ToolCallDelta,
    Usage,
)
from backends.protocol.relay import RelayRequest, RelayResponse, Relays
from backends.protocol.request import (
    GenerationRequest,
    ResponseFormat,
    Sampling,
    Tool,
    ToolChoice,
    text_of,
)

__all__ = [
    "SAMPLING",
    "Advises",
    "Backend",
    "Closes",
    "EmbeddingRequest",
    "Embeddings",
    "Embeds",
    "Event",
    "Finish",
    "FinishReason",
    "GenerationRequest",
    "Honours",
    "Lists",
    "Measure",
    "Measures",
    "Model",
    "Moderates",
    "Moderation",
    "ModerationInput",
    "Ready",
    "ReasoningDelta",
    "RefusalDelta",
    "RelayRequest",
    "RelayResponse",
    "Relays",
    "ResponseFormat",
    "Sampling",
    "Starts",
    "TakesUnlisted",
    "TextDelta",
    "TextRun",
    "TokenLogprob",
    "Tokenization",
    "Tokenizes",
    "Tool",
    "ToolCallDelta",
    "ToolChoice",
    "Usage",
    "text_of",
]
