"""Requests as the seam tells of them: what each choice costs, and when it ends."""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backends.protocol import Event, Finish, GenerationRequest, Sampling, TextDelta, Usage
from backends.protocol.errors import BadRequestError, ContextLengthExceeded
from backends.protocol.wire import ChatCompletionRequestUserMessage
from backends.torch.backend import TorchBackend
from backends.torch.engine.run import Run

READY_S = 240
LONG = "The quick brown fox jumps over the lazy dog. " * 12


@pytest.fixture(scope="module")
def backend(smollm2: Path, minilm: Path) -> Iterator[TorchBackend]:
    options: dict[str, Any] = {"context_tokens": 512, "embedding_model": str(minilm)}
    backend = TorchBackend(str(smollm2), device="cpu", **options)
    asyncio.run(backend.start())
    end_s = time.monotonic() + READY_S
    while not asyncio.run(backend.ready()):
        assert time.monotonic() < end_s
        time.sleep(0.05)
    yield backend
    asyncio.run(backend.aclose())


@pytest.fixture
def model(smollm2: Path) -> str:
    return smollm2.name


def measured(backend: TorchBackend, name: str) -> float:
    return next(one.value for one in backend.measures() if one.name == f"vllm:{name}")


async def events_of(backend: TorchBackend, request: GenerationRequest) -> list[Event]:
    events: list[Event] = []
    async for batch in backend.generate(request):
        events += batch if isinstance(batch, list) else [batch]  # type: ignore[list-item]
    return events


def text_of(events: list[Event], choice: int = 0) -> str:
    deltas = (event for event in events if isinstance(event, TextDelta))
    return "".join(delta.text for delta in deltas if delta.choice == choice)


async def test_a_choice_that_has_said_a_stop_string_ends_alone(
    backend: TorchBackend, model: str
) -> None:
    sampling = Sampling(temperature=1.2, seed=3)
    asked = GenerationRequest(model, prompt="Once", n=4, max_tokens=150, sampling=sampling)
    free = await events_of(backend, asked)
    before = measured(backend, "generation_tokens_total")
    asked.stop = ("th", "zzzzz")
    stopped = await events_of(backend, asked)
    counts: Counter[int] = Counter()
    ends: dict[int, str] = {}
    for event in stopped:
        if not isinstance(event, Usage):
            assert event.choice not in ends, "nothing comes after the end"
        if isinstance(event, TextDelta):
            counts[event.choice] += event.tokens or 0
        elif isinstance(event, Finish):
            ends[event.choice] = event.reason
    assert set(ends.values()) == {"stop"}
    for choice in range(4):
        text = text_of(stopped, choice)
        assert text_of(free, choice).startswith(text[: text.index("th") + 2])
        assert text.count("th") == 1
    # A step may be under way when one is stopped, and the next be planned.
    generated = measured(backend, "generation_tokens_total") - before
    assert generated <= counts.total() + 4 * 2 < 4 * max(counts.values())


async def test_choices_are_no_cache_of_each_other(backend: TorchBackend, model: str) -> None:
    asked = GenerationRequest(model, prompt=f"Cold: {LONG}", n=3, max_tokens=4)
    for cached in (False, True):
        usage = (await events_of(backend, asked))[-1]
        assert isinstance(usage, Usage)
        assert usage.prompt_tokens > 100
        assert usage.completion_tokens <= 12
        assert (usage.cached_tokens > 90) == cached
        assert cached or usage.cached_tokens == 0


async def test_an_answer_of_no_tokens_is_counted_as_none(backend: TorchBackend, model: str) -> None:
    events = await events_of(backend, GenerationRequest(model, prompt="One", n=2, max_tokens=0))
    usage = events[-1]
    assert isinstance(usage, Usage)
    assert (usage.prompt_tokens, usage.completion_tokens) == (1, 0)
    assert [event.reason for event in events if isinstance(event, Finish)] == ["length"] * 2


@pytest.mark.parametrize("logprobs", [None, 0])
async def test_a_prompt_is_echoed_as_it_was_sent(
    backend: TorchBackend, model: str, logprobs: int | None
) -> None:
    prompt = "<|im_start|>user\nGrüße 🦊<|im_end|>\n"
    asked = GenerationRequest(model, prompt=prompt, echo=True, max_tokens=0, logprobs=logprobs)
    events = await events_of(backend, asked)
    assert text_of(events) == prompt
    told = next(event for event in events if isinstance(event, TextDelta)).logprobs
    assert "".join(token.token for token in told) == ("" if logprobs is None else prompt)


async def test_a_text_too_long_to_answer_can_be_counted(backend: TorchBackend, model: str) -> None:
    asked = GenerationRequest(model, prompt="word " * 900)
    with pytest.raises(ContextLengthExceeded) as refused:
        await events_of(backend, asked)
    assert refused.value.param == "prompt"
    tokens = await backend.tokenize(asked)
    assert len(tokens.tokens) > 900
    assert tokens.context_tokens == 512


async def test_an_embedding_model_takes_no_messages(backend: TorchBackend, minilm: Path) -> None:
    messages = [ChatCompletionRequestUserMessage(role="user", content="Hello")]
    with pytest.raises(BadRequestError) as refused:
        await backend.tokenize(GenerationRequest(minilm.name, messages=messages))
    assert refused.value.param == "messages"


def test_two_models_of_one_name_are_refused_at_once(
    tmp_path: Path, smollm2: Path, minilm: Path
) -> None:
    for parent, folder in (("a", smollm2), ("b", minilm)):
        (tmp_path / parent).mkdir()
        (tmp_path / parent / "model").symlink_to(folder)
    with pytest.raises(ValueError, match=r"TORCH_EMBEDDING_MODEL: .*'model'"):
        TorchBackend(
            str(tmp_path / "a/model"), device="cpu", embedding_model=str(tmp_path / "b/model")
        )


def test_a_window_cut_short_by_memory_is_told_at_the_start(
    smollm2: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "family:small"
    folder.symlink_to(smollm2)
    # The number format is named, for what a token takes follows from it.
    backend = TorchBackend(str(folder), device="cpu", kv_cache_mb=2, dtype="bfloat16")
    (listed, *_) = asyncio.run(backend.models())
    assert (listed.id, listed.context_tokens) == ("family:small", 64)
    assert "memory for 64 tokens of its window of 8192" in caplog.text


async def test_what_a_request_took_is_freed_without_a_collector(
    backend: TorchBackend, model: str
) -> None:
    gc.collect()
    gc.disable()
    try:
        for _ in range(6):
            await events_of(backend, GenerationRequest(model, prompt="One", max_tokens=2))
        alive = sum(type(one) is Run for one in gc.get_objects())
    finally:
        gc.enable()
    assert alive <= 2, "the engine's thread may still look at the last"
