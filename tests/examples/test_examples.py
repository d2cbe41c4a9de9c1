"""Each example runs as its docstring says."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.server import Serve, Server

EXAMPLES = Path(__file__).parents[2] / "examples"


LARGE, SMALL = "gpt-4o", "gpt-4o-mini"


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_curl(mock: Server) -> None:
    whole, _, stream = run("sh", str(EXAMPLES / "chat.sh"), f"{mock.url}/v1").partition("\n")
    assert '"content":"Hello from curl"' in whole
    assert stream.rstrip().endswith("data: [DONE]")


@pytest.mark.parametrize(
    ("example", "printed"),
    [
        ("chat.py", "Hello from Python\n"),
        ("stream.py", "Hello, one token at a time\n8 tokens\n"),
    ],
)
def test_official_client(mock: Server, example: str, printed: str) -> None:
    assert run(sys.executable, str(EXAMPLES / example), f"{mock.url}/v1") == printed


def test_a_backend_of_ones_own_has_the_whole_api(serve: Serve) -> None:
    path = f"{EXAMPLES}:{EXAMPLES.parent}"
    server = serve("--backend", "shout:ShoutBackend", PYTHONPATH=path)
    client = server.client()
    chat = client.chat.completions.create(
        model="shout-1", messages=[{"role": "user", "content": "hello there"}], n=2, stop="RE"
    )
    assert [choice.message.content for choice in chat.choices] == ["HELLO THE", "HELLO THE"]
    completion = client.completions.create(model="shout-1", prompt="hi", echo=True)
    assert completion.choices[0].text == "hiHI"


@pytest.fixture
def routed(serve: Serve) -> Server:
    """In front of two mocks that each admit one token and know a model of their own."""
    urls = {
        name: serve(ENABLE_AUTH="true", API_KEY_SECRET=f"token-for-{name}", MOCK_MODELS=models).url
        for name, models in (("small", SMALL), ("large", f"{LARGE},elsewhere-mini"))
    }
    return serve(
        "--backend",
        "custom_client:make",
        PYTHONPATH=f"{EXAMPLES}:{EXAMPLES.parent}",
        SMALL_URL=f"{urls['small']}/v1",
        LARGE_URL=f"{urls['large']}/v1",
    )


def test_a_client_of_ones_own(routed: Server) -> None:
    client = routed.client("sk-any")
    # Of the small place's kind of model, only what the small place has.
    assert [model.id for model in client.models.list()] == [SMALL, LARGE]
    for model in (SMALL, LARGE):
        said = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello there"}]
        )
        assert (said.model, said.choices[0].message.content) == (model, "Hello there")
        chunks = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "Hello there"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        pieces = list(chunks)
        assert "".join(c.choices[0].delta.content or "" for c in pieces if c.choices) == (
            "Hello there"
        )
        assert pieces[-1].usage


def test_every_example_is_run_here() -> None:
    here = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    names = [path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".sh"}]
    assert [name for name in names if name.partition(".")[0] not in here] == []
