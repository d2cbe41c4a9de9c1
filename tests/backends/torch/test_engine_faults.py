"""What goes wrong in the engine reaches whom it concerns, all of them and nobody else."""

import asyncio
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

import pytest
from torch import Tensor

from backends.protocol.errors import BackendUnavailable, BadRequestError, RateLimitError
from backends.torch.decoder import Cache
from backends.torch.engine.blocks import BlockPool
from backends.torch.engine.engine import Engine
from backends.torch.sampling.drawing import Drawing
from tests.backends.torch.step_table import Table
from tests.backends.torch.toy_decoder import ToyDecoder, answer, greedy, loaded, make_run

if TYPE_CHECKING:
    from backends.torch.engine.run import Progress

WAITS_S = 5


@pytest.fixture
def decoder() -> ToyDecoder:
    return ToyDecoder()


@pytest.fixture
def engine(decoder: ToyDecoder) -> Iterator[Engine]:
    engine = Engine(lambda: loaded(decoder), max_running=2, max_waiting=3)
    assert engine.settle(10)
    yield engine
    decoder.gate.set()
    engine.close()


async def heard(engine: Engine, prompt: list[int]) -> list[int]:
    async with asyncio.timeout(WAITS_S):
        stream = engine.generate(prompt, 9, greedy())
        return [drawn.token async for one in stream for drawn in one.drawn]


async def test_when_the_engine_dies_nobody_waits_for_an_answer(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: BlockPool) -> int:
        raise AssertionError("a bug of our own, on /a/path")

    monkeypatch.setattr(BlockPool, "take", broken)
    told = await asyncio.gather(
        *[heard(engine, [number]) for number in range(4)], return_exceptions=True
    )
    assert {type(error) for error in told} == {BackendUnavailable}
    assert "path" not in str(told)
    assert "shutting down" not in str(told)
    assert len({id(error) for error in told}) == len(told), "each has an error of its own"
    assert not engine.ready


async def test_a_thread_that_is_told_to_exit_is_not_ready_and_says_so(
    engine: Engine, decoder: ToyDecoder
) -> None:
    def leave(_: object) -> None:
        raise SystemExit(3)

    decoder.before = leave
    with pytest.raises(BackendUnavailable):
        await heard(engine, [1])
    engine.close()
    assert isinstance(engine.failed, SystemExit)


async def test_sequences_come_in_together_or_not_at_all(
    engine: Engine, decoder: ToyDecoder
) -> None:
    decoder.gate.clear()
    done: list[Progress] = []
    engine.submit(*[make_run([number], 2, done.append) for number in range(3)])
    with pytest.raises(RateLimitError):
        engine.submit(*[make_run([number], 2) for number in range(3)])
    engine.submit(*[make_run([number], 2, done.append) for number in range(2)])
    with pytest.raises(BadRequestError, match="at most 5") as refused:
        engine.submit(*[make_run([number], 2) for number in range(6)])
    assert refused.value.param == "n"
    decoder.gate.set()
    async with asyncio.timeout(WAITS_S):
        while sum(one.finish is not None for one in done) < 5:  # noqa: ASYNC110 - another thread's
            await asyncio.sleep(0.001)
    assert await heard(engine, [7]) == answer([7], 9)


async def test_who_has_been_cancelled_leaves_room_for_others(
    engine: Engine, decoder: ToyDecoder
) -> None:
    runs = [make_run([number], 60) for number in range(5)]
    decoder.gate.clear()
    engine.submit(*runs)
    for run in runs:
        engine.cancel(run)
    decoder.gate.set()
    for end in range(1000):
        try:
            engine.submit(*[make_run([number], 2) for number in range(5)])
            break
        except RateLimitError:
            assert end < 999
            await asyncio.sleep(0.001)
    assert all(not run.blocks and len(run.output) < 5 for run in runs)


def test_a_prompt_whose_logprobs_are_no_numbers_fails_alone() -> None:
    table = Table()
    forward = table.decoder.forward

    def spoilt(token_ids: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        logits = forward(token_ids, positions, cache)
        if len(table.steps) == 2:
            logits[-2] = float("nan")
        return logits

    table.decoder.forward = spoilt  # type: ignore[method-assign]
    other = table.add([1, 2, 3], 6)
    table.step()
    asked = table.add([4, 5, 6, 7], prompt_logprobs=True)
    table.finish()
    assert [one.error is None for one in table.told[asked]] == [False]
    assert table.tokens(other) == answer([1, 2, 3], 6)


@pytest.mark.parametrize("blocks", [64, 11])
def test_a_seed_draws_the_same_in_any_company(blocks: int) -> None:
    def drawing(seed: int) -> Drawing:
        return Drawing(temperature=4.0, random=Random(seed))

    alone = Table()
    run = alone.add([1, 2, 3], 12, drawing(7))
    alone.finish()
    crowd = Table(blocks=blocks, prefill_tokens=3)
    runs = [crowd.add([one, 2, 3], 12, drawing(one + 6)) for one in (5, 4, 1, 1)]
    crowd.finish()
    assert (crowd.stepper.tally.preemptions > 0) == (blocks == 11)
    assert crowd.tokens(runs[2]) == crowd.tokens(runs[3]) == alone.tokens(run)
    assert crowd.tokens(runs[0]) != answer([5, 2, 3], 12), "it is drawn, not the likeliest"


def test_what_is_told_is_what_is_counted() -> None:
    table = Table()
    table.add([1, 2, 3], 0)
    table.add([1, 2, 4], 3)
    table.finish()
    assert table.stepper.tally.generated_tokens == 3


async def test_a_client_that_stops_reading_holds_no_blocks(engine: Engine) -> None:
    stream = engine.generate([1, 2, 3], 50, greedy())
    told = [drawn.token for drawn in (await anext(stream)).drawn]
    async with asyncio.timeout(WAITS_S):
        while engine.stats.finished < 1:  # noqa: ASYNC110 - another thread's
            await asyncio.sleep(0.001)
    assert engine.stats.blocks_used == 0
    told += [drawn.token async for one in stream for drawn in one.drawn]
    assert told == answer([1, 2, 3], 50)
