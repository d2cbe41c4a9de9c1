"""The constant part of an answer, and the JSON pieces that several shapes share."""

from dataclasses import dataclass, field
from random import getrandbits
from time import time

import orjson

from backends.protocol import Usage


def new_id(prefix: str) -> str:
    """A fresh id such as `chatcmpl-…`."""
    return f"{prefix}{getrandbits(120):030x}"


@dataclass(slots=True)
class Head:
    """What every chunk of one answer repeats."""

    id: str
    model: str
    service_tier: str | None = None
    created: int = field(default_factory=lambda: int(time()))

    def json(self, kind: str) -> bytes:
        """The opening members of the object, from `{` to the comma before `choices`."""
        tier = b"" if self.service_tier is None else b'"service_tier":"default",'
        model = orjson.dumps(self.model)
        return b'{"id":"%b","object":"%b","created":%d,"model":%b,%b' % (
            self.id.encode(),
            kind.encode(),
            self.created,
            model,
            tier,
        )


def usage_json(usage: Usage) -> bytes:
    """OpenAI's `CompletionUsage`."""
    return (
        b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
        b'"prompt_tokens_details":{"cached_tokens":%d,"audio_tokens":0},'
        b'"completion_tokens_details":{"reasoning_tokens":%d,"audio_tokens":0,'
        b'"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}'
    ) % (
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.prompt_tokens + usage.completion_tokens,
        usage.cached_tokens,
        usage.reasoning_tokens,
    )
