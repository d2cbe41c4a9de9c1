"""Hands the walker of `official.py` to the tests, whatever way pytest imports them."""

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Differences = Callable[..., Iterator[str]]


@pytest.fixture(scope="session")
def differences() -> Differences:
    walker: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("official.py")))
    found: Differences = walker["differences"]
    return found
