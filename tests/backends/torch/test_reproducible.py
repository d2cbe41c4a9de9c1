"""The same request with the same seed gives the same text, on each tier, whoever else is asking."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.backends.torch.served import served
from tests.backends.torch.tiny_model import tiny_model

TIERS = {
    "as it comes": {},
    "portable": {"TORCH_KERNELS": "false"},
    "portable float32": {"TORCH_KERNELS": "false", "TORCH_DTYPE": "float32"},
}
ANSWER_S = 120
LONG = "The quick brown fox jumps over the lazy dog. " * 12


@pytest.fixture(scope="module", params=TIERS)
def http(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, smollm2: Path
) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("reproducible")
    model = tiny_model(folder / "tiny", smollm2)
    server = served(folder, model, TORCH_THREADS="1", **TIERS[request.param])
    with server.http() as http:
        yield http
    server.stop()


def said(http: httpx.Client, content: str, seed: int = 7, **more: object) -> list[object]:
    """What the choices say, with each token's logprob."""
    messages = [{"role": "user", "content": content}]
    body = {"model": "tiny", "messages": messages, "seed": seed, "n": 2, "max_tokens": 16}
    body |= {"temperature": 1.2, "logprobs": True, **more}
    answer = http.post("/v1/chat/completions", json=body, timeout=ANSWER_S)
    assert answer.status_code == 200, answer.text
    choices = answer.json()["choices"]
    assert isinstance(choices, list)
    return [(choice["message"]["content"], choice["logprobs"]) for choice in choices]


def test_a_seed_repeats_cold_and_warm(http: httpx.Client) -> None:
    cold, warm, other = (said(http, f"Cold: {LONG}", seed) for seed in (7, 7, 8))
    assert cold == warm
    assert cold != other


def test_a_seed_repeats_in_company(http: httpx.Client) -> None:
    contents = [f"{LONG[: 40 * number]}{number}" for number in range(6)]
    alone = [said(http, content) for content in contents]
    with ThreadPoolExecutor(len(contents)) as pool:
        together = list(pool.map(lambda content: said(http, content), contents))
    assert together == alone


def test_a_seed_repeats_however_much_of_the_prompt_is_known(http: httpx.Client) -> None:
    first = said(http, f"Known: {LONG}{LONG}")
    for words in (3, 40, 90):
        said(http, "Known: " + " ".join(LONG.split()[:words]))
    assert said(http, f"Known: {LONG}{LONG}") == first
