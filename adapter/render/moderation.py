"""The `moderation` object.

Source: components/schemas/CreateModerationResponse.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from adapter.render.head import new_id
from backends.protocol import Moderation


def moderations_json(model: str, moderations: Sequence[Moderation]) -> bytes:
    """The answer, a result for each judgement."""
    results = [_result(moderation) for moderation in moderations]
    return orjson.dumps({"id": new_id("modr-"), "model": model, "results": results})


def _result(moderation: Moderation) -> dict[str, Any]:
    categories = moderation.scores
    return {
        "flagged": bool(moderation.flagged),
        "categories": {name: name in moderation.flagged for name in categories},
        "category_scores": categories,
        "category_applied_input_types": {
            name: moderation.applied.get(name, []) for name in categories
        },
    }
