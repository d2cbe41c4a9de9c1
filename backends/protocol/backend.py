"""The seam: `Backend`, and the small optional protocols that a backend satisfies beside it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from backends.protocol.events import Event
from backends.protocol.request import GenerationRequest

# What a backend of certain text honours by nature: no temperature moves a probability of one.
SAMPLING = frozenset({"temperature", "top_p", "seed"})


@dataclass(slots=True)
class Model:
    """A model as `/v1/models` lists it. An `id` with `*` takes any name it matches, unlisted.

    One that `embeds` makes embeddings and no text.
    """

    id: str
    owned_by: str = "adapter"
    created: int = 1735689600
    context_tokens: int | None = None
    embeds: bool = False


class Lists(Protocol):
    """What has a list of models."""

    async def models(self) -> Sequence[Model]:
        """The models served now; the adapter keeps the answer for a short while."""
        ...


class Backend(Lists, Protocol):
    """The whole duty of a backend: its models, and what they generate."""

    def generate(self, request: GenerationRequest) -> AsyncIterator[Event | Sequence[Event]]:
        """The events of an answer, one at a time, or several that are ready together.

        What is not in `honours`, and is left to the adapter: `n`, `stop`, `max_tokens`, `echo`,
        usage. Raising an error of `backends.protocol.errors` refuses or fails the request.
        A client that goes away closes the iterator.
        """
        ...


@runtime_checkable
class TakesUnlisted(Protocol):
    """A backend in front of an upstream that may know more models than it lists."""

    def takes_unlisted(self, model: str) -> bool:
        """Whether to ask for a model that is not listed; its refusal is then the answer."""
        ...


@runtime_checkable
class Honours(Protocol):
    """Names the request parameters that the backend itself carries out.

    The names are OpenAI's (`"logprobs"`, `"tools"`, `"response_format"`, …), and for content parts
    their type (`"image_url"`). What is not named, and is not among the adapter's own duties, is
    refused with a 400 that names it.
    """

    honours: frozenset[str]


@runtime_checkable
class Advises(Protocol):
    """A backend that says, in the 404 of an unknown model, how to have other models served."""

    unknown_model_advice: str


@dataclass(slots=True)
class EmbeddingRequest:
    """Texts to embed. `dimensions` is None for the model's own size."""

    model: str
    texts: Sequence[str]
    dimensions: int | None = None


@dataclass(slots=True)
class Embeddings:
    """One vector for each text, in order, and the tokens they took."""

    vectors: Sequence[Sequence[float]]
    prompt_tokens: int


@runtime_checkable
class Embeds(Protocol):
    """A backend with `/v1/embeddings`."""

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """The vectors of the texts."""
        ...


@dataclass(slots=True)
class Tokenization:
    """Token ids, and the context window they are measured against (None if unbounded)."""

    tokens: Sequence[int]
    context_tokens: int | None = None


@runtime_checkable
class Tokenizes(Protocol):
    """A backend with its own tokenizer; the adapter's default serves the others."""

    async def tokenize(self, request: GenerationRequest) -> Tokenization:
        """The ids of the request's prompt, or of its messages as the model reads them."""
        ...

    async def detokenize(self, model: str, tokens: Sequence[int]) -> str:
        """The text of the ids."""
        ...


@dataclass(slots=True)
class ModerationInput:
    """One thing to judge: its text, and the images that came with it."""

    text: str
    image_urls: Sequence[str] = ()


@dataclass(slots=True)
class Moderation:
    """A score in [0, 1] and a flag for each category, and what kinds of input each looked at."""

    scores: dict[str, float] = field(default_factory=dict)
    flagged: frozenset[str] = frozenset()
    applied: dict[str, list[str]] = field(default_factory=dict)


@runtime_checkable
class Moderates(Protocol):
    """A backend with `/v1/moderations`."""

    async def moderate(self, model: str, inputs: Sequence[ModerationInput]) -> list[Moderation]:
        """A judgement of each input, in order."""
        ...


@runtime_checkable
class Starts(Protocol):
    """A backend with something to begin that takes time, such as loading a model."""

    async def start(self) -> None:
        """Begin it, when the server starts; once begun, do nothing."""
        ...


@runtime_checkable
class Ready(Protocol):
    """A backend that takes time to be ready; the others are ready at once."""

    async def ready(self) -> bool:
        """Whether requests would be answered now."""
        ...


@dataclass(slots=True)
class Measure:
    """One number for `/metrics`: a gauge, or a counter, whose name then ends in `_total`."""

    name: str
    description: str
    value: float
    kind: Literal["gauge", "counter"] = "gauge"
    labels: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Measures(Protocol):
    """A backend with numbers of its own."""

    def measures(self) -> Sequence[Measure]:
        """How they stand now; called on a worker thread."""
        ...


@runtime_checkable
class Closes(Protocol):
    """A backend that holds connections, threads or files."""

    async def aclose(self) -> None:
        """Let go of them; called once, at shutdown."""
        ...
