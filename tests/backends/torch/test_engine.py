"""The engine on its thread: clients that come, stream, vanish; refusals; steps that raise."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from random import Random
from time import monotonic, sleep
from typing import Any

import pytest

from backends.protocol.errors import (
    APIError,
    BackendUnavailable,
    BadRequestError,
    ContextLengthExceeded,
    RateLimitError,
)
from backends.torch.decoder import Step
from backends.torch.engine.engine import Engine
from backends.torch.engine.loaded import Loaded
from backends.torch.engine.run import Progress
from tests.backends.torch.toy_decoder import ToyDecoder, answer, greedy, loaded, make_run

Start = Callable[..., tuple[Engine, ToyDecoder]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts engines on the toy; each is closed when the test ends."""
    engines = []

    def start_one(blocks: int = 64, **options: Any) -> tuple[Engine, ToyDecoder]:
        decoder = ToyDecoder()
        engine = Engine(lambda: loaded(decoder, blocks), **options)
        engines.append((engine, decoder))
        assert engine.settle(10)
        decoder.steps.clear()
        return engine, decoder

    yield start_one
    for engine, decoder in engines:
        decoder.gate.set()
        engine.close()


async def tokens_of(progress: AsyncIterator[Progress]) -> list[int]:
    return [drawn.token async for one in progress for drawn in one.drawn]


async def until(true: Callable[[], bool]) -> None:
    end_s = monotonic() + 10
    while not true():
        assert monotonic() < end_s
        await asyncio.sleep(0.001)


async def test_many_clients_get_what_each_would_get_alone(start: Start) -> None:
    engine, _ = start(blocks=300)
    prompts = [[index, *range(index % 7)] for index in range(50)]
    answers = await asyncio.gather(
        *[tokens_of(engine.generate(prompt, 9, greedy())) for prompt in prompts]
    )
    assert answers == [answer(prompt, 9) for prompt in prompts]
    await until(lambda: engine.stats.running == 0)
    stats = engine.stats
    assert (stats.finished, stats.generated_tokens, stats.blocks_used) == (50, 450, 0)
    assert stats.prompt_tokens == sum(len(prompt) for prompt in prompts)
    assert stats.step_seconds > 0


async def test_an_iterator_that_is_closed_frees_its_blocks_within_one_step(start: Start) -> None:
    engine, decoder = start()
    stream = engine.generate([1, 2, 3], 60, greedy())
    await anext(stream)
    other = asyncio.create_task(tokens_of(engine.generate([4, 5, 6], 60, greedy())))
    await until(lambda: engine.stats.running == 2)
    decoder.gate.clear()
    await asyncio.sleep(0.02)
    await stream.aclose()
    before = len(decoder.steps)
    decoder.gate.set()
    assert await other == answer([4, 5, 6], 60)
    with_both = [step for step in decoder.steps[before:] if len(step.lengths) == 2]
    assert len(with_both) <= 1


async def test_a_cancelled_task_frees_its_blocks(start: Start) -> None:
    engine, decoder = start()
    decoder.gate.clear()
    tasks = [
        asyncio.create_task(tokens_of(engine.generate([index], 60, greedy()))) for index in range(5)
    ]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    decoder.gate.set()
    await until(lambda: engine.stats.running + engine.stats.waiting == 0)
    assert engine.stats.blocks_used == 0


async def test_a_step_is_handed_over_in_one_hop(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, decoder = start()
    decoder.gate.clear()
    tasks = [
        asyncio.create_task(tokens_of(engine.generate([index, 1], 20, greedy())))
        for index in range(8)
    ]
    await asyncio.sleep(0.02)
    hops = []
    loop = asyncio.get_running_loop()
    call = loop.call_soon_threadsafe

    def counted(*given: Any, **named: Any) -> Any:
        hops.append(given)
        return call(*given, **named)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    decoder.gate.set()
    await asyncio.gather(*tasks)
    assert len(hops) == len(decoder.steps) < 30


async def test_beyond_the_queue_a_client_is_told_when_to_come_back(start: Start) -> None:
    engine, decoder = start(max_running=2, max_waiting=3)
    decoder.gate.clear()
    tasks = [
        asyncio.create_task(tokens_of(engine.generate([index], 5, greedy()))) for index in range(5)
    ]
    await asyncio.sleep(0.02)
    with pytest.raises(RateLimitError) as refused:
        await tokens_of(engine.generate([9], 5, greedy()))
    assert refused.value.retry_after_s is not None
    assert 1 <= refused.value.retry_after_s <= 60
    decoder.gate.set()
    assert await asyncio.gather(*tasks) == [answer([index], 5) for index in range(5)]
    assert await tokens_of(engine.generate([9], 5, greedy())) == answer([9], 5)


async def test_prompts_that_no_step_could_take_are_refused(start: Start) -> None:
    engine, _ = start(blocks=8)
    assert engine.window_tokens == 32
    with pytest.raises(ContextLengthExceeded, match="32 tokens"):
        await tokens_of(engine.generate([1] * 32, 5, greedy()))
    with pytest.raises(BadRequestError, match="no tokens"):
        await tokens_of(engine.generate([], 5, greedy()))
    with pytest.raises(BadRequestError, match="outside 0 to 96"):
        await tokens_of(engine.generate([97], 5, greedy()))
    assert await tokens_of(engine.generate([1] * 31, 5, greedy())) == answer([1] * 31, 1)


async def test_a_step_that_raises_fails_its_sequences_and_the_engine_goes_on(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    engine, decoder = start()
    noted = decoder.before

    def break_down(step: Step) -> None:
        noted(step)
        if len(decoder.steps) == 4:
            raise RuntimeError("the secret path /models")

    decoder.before = break_down
    failed = await asyncio.gather(
        *[tokens_of(engine.generate([index], 30, greedy())) for index in range(3)],
        return_exceptions=True,
    )
    assert all(isinstance(error, APIError) for error in failed)
    assert {error.status for error in failed if isinstance(error, APIError)} == {500}
    assert "secret" not in str(failed)
    assert "the secret path" in caplog.text
    assert engine.ready
    assert await tokens_of(engine.generate([5], 9, greedy())) == answer([5], 9)
    assert engine.stats.blocks_used == 0


async def test_prompt_logprobs_come_with_the_first_progress(start: Start) -> None:
    engine, _ = start()
    stream = engine.generate([1, 2, 3], 2, greedy(2), prompt_logprobs=True)
    told = [one async for one in stream]
    assert [len(one.prompt) for one in told] == [3, 0]
    assert [len(drawn.top) for drawn in told[0].prompt] == [0, 2, 2]


async def test_a_load_that_fails_is_kept_told_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def load() -> Loaded:
        raise ValueError("no model.safetensors in the folder")

    engine = Engine(load)
    assert engine.settle(10)
    assert not engine.ready
    assert str(engine.failed) == "no model.safetensors in the folder"
    assert "could not be loaded: no model.safetensors in the folder" in caplog.text
    with pytest.raises(BackendUnavailable):
        await tokens_of(engine.generate([1], 5, greedy()))
    engine.close()


async def test_a_model_that_cannot_take_a_step_is_never_ready() -> None:
    decoder = ToyDecoder()

    def break_down(_: Step) -> None:
        raise RuntimeError("no such kernel")

    decoder.before = break_down
    engine = Engine(lambda: loaded(decoder))
    assert engine.settle(10)
    assert str(engine.failed) == "no such kernel"
    engine.close()


async def test_before_it_is_loaded_a_client_is_sent_away() -> None:
    decoder = ToyDecoder()
    decoder.gate.clear()
    engine = Engine(lambda: loaded(decoder))
    assert not engine.settle(0.01)
    with pytest.raises(BackendUnavailable):
        await tokens_of(engine.generate([1], 5, greedy()))
    decoder.gate.set()
    assert engine.settle(10)
    assert engine.ready
    engine.close()


async def test_closing_fails_what_runs_and_what_waits(start: Start) -> None:
    engine, decoder = start(max_running=2)
    decoder.gate.clear()
    tasks = [
        asyncio.create_task(tokens_of(engine.generate([index], 50, greedy()))) for index in range(5)
    ]
    await asyncio.sleep(0.02)
    closing = asyncio.create_task(asyncio.to_thread(engine.close))
    await asyncio.sleep(0.02)
    decoder.gate.set()
    await closing
    failed = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(error, BackendUnavailable) for error in failed)
    assert engine.stats.blocks_used == 0
    with pytest.raises(BackendUnavailable):
        await tokens_of(engine.generate([1], 5, greedy()))


def test_a_loop_that_is_gone_leaves_nothing_behind(start: Start) -> None:
    engine, _ = start()
    loop = asyncio.new_event_loop()
    loop.close()
    run = make_run([1, 2], 50)
    run.loop = loop
    engine.submit(run)
    done: list[Progress] = []
    engine.submit(make_run([3], 60, done.append))
    end_s = monotonic() + 10
    while not (done and done[-1].finish):
        assert monotonic() < end_s
        sleep(0.001)
    assert run.cancelled
    assert len(run.output) < 5


async def test_hundreds_of_clients_that_vanish_leave_no_block_behind(start: Start) -> None:
    engine, _ = start(blocks=40, max_running=16, max_waiting=400)
    random = Random(11)
    finished = 0

    async def client(index: int) -> None:
        nonlocal finished
        prompt = [index % 5] * random.randrange(1, 30)
        patience = random.randrange(0, 40)
        await asyncio.sleep(random.random() * 0.2)
        stream = engine.generate(prompt, 30, greedy())
        told: list[int] = []
        try:
            async for progress in stream:
                told += [drawn.token for drawn in progress.drawn]
                if len(told) >= patience:
                    return
            finished += 1
            assert told == answer(prompt, 30)
        finally:
            await stream.aclose()

    tasks = [asyncio.create_task(client(index)) for index in range(400)]
    for task in random.sample(tasks, 100):
        await asyncio.sleep(0.002)
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in outcomes} <= {type(None), asyncio.CancelledError}
    assert finished > 20
    await until(lambda: engine.stats.running + engine.stats.waiting == 0)
    assert engine.stats.blocks_used == 0
    assert await tokens_of(engine.generate([1, 2], 9, greedy())) == answer([1, 2], 9)
