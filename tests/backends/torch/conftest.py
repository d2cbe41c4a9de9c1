"""The real models of the tests: pulled once for each user, whatever the number of test workers."""

import os
from pathlib import Path

import pytest

from backends.torch.weights.download import DownloadError
from backends.torch.weights.pull import pull


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """SmolLM2-135M-Instruct in bf16: `SMOLLM2_DIR`, or what `adapter models pull` keeps."""
    return _model("smollm2", "SMOLLM2_DIR")


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The MiniLM sentence embeddings: `MINILM_DIR`, or what `adapter models pull` keeps."""
    return _model("minilm", "MINILM_DIR")


def _model(name: str, variable: str) -> Path:
    if given := os.environ.get(variable):
        return Path(given)
    try:
        return pull(name)
    except DownloadError as error:
        pytest.skip(f"{variable} is not set, and {error}")
