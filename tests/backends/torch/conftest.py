"""The real models of the tests: pulled once for each user, whatever the number of test workers."""

import os
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from backends.torch.grammar.grammars import Grammars
from backends.torch.weights.download import DownloadError
from backends.torch.weights.pull import pull
from tests.backends.torch.random_walk import STOPS, VOCABULARY


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


@pytest.fixture(scope="module")
def tokenizer(smollm2: Path) -> Tokenizer:
    """SmolLM2's, as the library reads it."""
    return Tokenizer.from_file(str(smollm2 / "tokenizer.json"))


@pytest.fixture(scope="module")
def grammars(smollm2: Path) -> Grammars:
    """The grammars over SmolLM2's tokens."""
    return Grammars(smollm2 / "tokenizer.json", VOCABULARY, STOPS)
