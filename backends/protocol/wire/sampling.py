"""What chat and legacy completions share: the model, and how its tokens are drawn and sent."""

from typing import Annotated

from pydantic import Field

from backends.protocol.wire.model import Array, Omittable, WireModel
from backends.protocol.wire.names import ModelName
from backends.protocol.wire.unions import TextOrArray

Penalty = Annotated[float, Field(ge=-2, le=2)]
Probability = Annotated[float, Field(ge=0, le=1)]
Temperature = Annotated[float, Field(ge=0, le=2)]
Choices = Annotated[int, Field(ge=1, le=128)]
Seed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]

LogitBias = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^[0-9]{1,10}$")],
        Annotated[int, Field(ge=-100, le=100)],
    ],
    Field(fail_fast=True),
]
"""Token ids, written as strings because they are keys, with what is added to their logits."""

StopConfiguration = TextOrArray[Annotated[Array[str], Field(min_length=1, max_length=4)]]


class ChatCompletionStreamOptions(WireModel):
    """What a stream carries besides its text."""

    include_usage: Omittable[bool] = None
    include_obfuscation: Omittable[bool] = None


class SamplingParameters(WireModel):
    """The parameters that both kinds of completion know; null is the same as left out."""

    model: ModelName
    frequency_penalty: Penalty | None = None
    logit_bias: LogitBias | None = None
    n: Choices | None = None
    presence_penalty: Penalty | None = None
    seed: Seed | None = None
    stop: StopConfiguration | None = None
    stream: bool | None = None
    stream_options: ChatCompletionStreamOptions | None = None
    temperature: Temperature | None = None
    top_p: Probability | None = None
    user: str | None = None
