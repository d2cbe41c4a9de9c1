"""How many tokens a request cost."""

from backends.protocol.wire.model import Omittable, WireModel


class PromptTokensDetails(WireModel):
    """What the tokens of the prompt were, and how many were at hand already."""

    audio_tokens: Omittable[int] = None
    cached_tokens: Omittable[int] = None
    text_tokens: Omittable[int] = None
    image_tokens: Omittable[int] = None
    cache_write_tokens: Omittable[int] = None


class CompletionTokensDetails(WireModel):
    """What the generated tokens were."""

    accepted_prediction_tokens: Omittable[int] = None
    audio_tokens: Omittable[int] = None
    reasoning_tokens: Omittable[int] = None
    text_tokens: Omittable[int] = None
    rejected_prediction_tokens: Omittable[int] = None


class CompletionUsage(WireModel):
    """The tokens of a completion; the total is the sum of the other two."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Omittable[PromptTokensDetails] = None
    completion_tokens_details: Omittable[CompletionTokensDetails] = None


class EmbeddingUsage(WireModel):
    """The tokens of an embedding, which generates none."""

    prompt_tokens: int
    total_tokens: int
