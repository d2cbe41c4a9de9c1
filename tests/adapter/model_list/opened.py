"""What the tests of a model list ask of it."""

from collections.abc import Callable
from typing import Any

from adapter.model_list import ModelList
from tests.adapter.model_list.server import SONNET, Answer, ListServer, listing

Open = Callable[..., ModelList]

MAX_BYTES = 20_000
TIMEOUT_S = 0.3
BOUNDS: dict[str, Any] = {
    "refresh_s": 3600.0,
    "timeout_s": TIMEOUT_S,
    "max_bytes": MAX_BYTES,
    "saved": None,
}


def ids(models: ModelList) -> list[str]:
    return [model.id for model in models.models]


async def refused(models: ModelList, source: ListServer, answer: Answer) -> str:
    """Why an answer is not taken; the last good list stays, and the next good one is taken."""
    await models.start()
    good, fetched_at = models.models, models.state.fetched_at
    assert good
    source.answer = answer
    await models.refresh()
    error = models.state.error
    assert models.models is good
    assert (models.state.status, models.state.fetched_at) == ("stale", fetched_at)
    source.answer = listing([SONNET])
    await models.refresh()
    assert (models.state.status, models.state.error, ids(models)) == ("ok", None, ["claude-sonnet"])
    assert error
    return error
