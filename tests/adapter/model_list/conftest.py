"""A server of model lists, and lists that are closed when a test ends."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from adapter.model_list import ModelList
from tests.adapter.model_list.opened import BOUNDS, Open
from tests.adapter.model_list.server import ListServer, list_server


@pytest.fixture
def source() -> Iterator[ListServer]:
    with list_server() as server:
        yield server


@pytest.fixture
async def open_list(source: ListServer) -> AsyncIterator[Open]:
    """Makes lists, of the server unless told; each is closed when the test ends."""
    opened: list[ModelList] = []

    def open_one(url: str | None = None, **options: Any) -> ModelList:
        opened.append(ModelList(url or source.url, **(BOUNDS | options)))
        return opened[-1]

    yield open_one
    for models in opened:
        await models.aclose()
