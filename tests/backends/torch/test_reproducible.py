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
Clients = tuple[httpx.Client, httpx.Client]
LONG = "The quick brown fox jumps over the lazy dog. " * 12


@pytest.fixture(scope="module", params=TIERS)
def clients(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, smollm2: Path
) -> Iterator[Clients]:
    """Two servers alike: what the first has cached, the second has not seen."""
    folder = tmp_path_factory.mktemp("reproducible")
    model = tiny_model(folder / "tiny", smollm2)
    servers = [served(folder, model, TORCH_THREADS="1", **TIERS[request.param]) for _ in range(2)]
    with servers[0].http() as first, servers[1].http() as second:
        yield first, second
    for server in servers:
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


def test_a_seed_repeats_cold_and_warm(clients: Clients) -> None:
    cold, warm, other = (said(clients[0], f"Cold: {LONG}", seed) for seed in (7, 7, 8))
    assert cold == warm
    assert cold != other


def test_a_seed_repeats_in_company(clients: Clients) -> None:
    contents = [f"{LONG[: 40 * number]}{number}" for number in range(6)]
    with ThreadPoolExecutor(len(contents)) as pool:
        together = list(pool.map(lambda content: said(clients[0], content), contents))
    assert together == [said(clients[1], content) for content in contents]


@pytest.mark.parametrize("words", [3, 40, 90])
def test_a_seed_repeats_however_much_of_the_prompt_is_known(clients: Clients, words: int) -> None:
    content = f"Known {words}: {LONG}{LONG}"
    said(clients[0], " ".join(content.split()[:words]))
    assert said(clients[0], content) == said(clients[1], content)
