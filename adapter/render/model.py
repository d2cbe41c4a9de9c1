"""`model` and the list of them."""

from collections.abc import Sequence
from typing import Any

import orjson

from backends.protocol import Model


def model_json(model: Model) -> bytes:
    """One model."""
    return orjson.dumps(_model(model))


def model_list_json(models: Sequence[Model]) -> bytes:
    """All of them, in one page."""
    return orjson.dumps({"object": "list", "data": [_model(model) for model in models]})


def _model(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
    }
