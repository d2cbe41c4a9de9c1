"""What runs in a step: batching, pieces of prompts, shared prefixes, preemption, fairness."""

import pytest
from torch import Tensor

from backends.torch.decoder import Cache, Step
from backends.torch.engine.run import Run
from tests.backends.torch.step_table import Table
from tests.backends.torch.toy_decoder import answer, greedy, next_token

PROMPTS = [[3, 1, 4, 1, 5, 9, 2, 6, 5], [2], [7, 1, 8, 2], [1, 4, 1, 4, 2], list(range(30))]


@pytest.mark.parametrize("prefill_tokens", [512, 16, 3, 1])
@pytest.mark.parametrize("max_running", [1, 3, 8])
def test_a_batch_gives_the_tokens_that_each_gets_alone(
    prefill_tokens: int, max_running: int
) -> None:
    table = Table(prefill_tokens=prefill_tokens, max_running=max_running)
    runs = [table.add(prompt, 11) for prompt in PROMPTS]
    table.finish()
    assert [table.tokens(run) for run in runs] == [answer(prompt, 11) for prompt in PROMPTS]
    assert [table.told[run][-1].finish for run in runs] == ["length"] * 5


def test_a_warm_prefix_cache_gives_the_same_tokens_and_says_how_many_it_had() -> None:
    table = Table()
    prompt = list(range(13))
    runs = []
    for asked in (prompt, prompt, [*prompt, 50], prompt[:12], [9, *prompt]):
        runs.append((asked, table.add(asked)))
        table.finish()
    assert [table.tokens(run) for _, run in runs] == [answer(asked, 5) for asked, _ in runs]
    assert [table.told[run][0].cached_tokens for _, run in runs] == [0, 12, 12, 8, 0]
    assert [one.cached_tokens for one in table.told[runs[1][1]][1:]] == [None] * 4


def test_an_answer_is_a_prefix_of_the_next_question() -> None:
    table = Table()
    first = table.add(list(range(9)), 8)
    table.finish()
    prompt = [*range(9), *table.tokens(first), 5, 6, 7]
    second = table.add(prompt)
    table.finish()
    assert table.tokens(second) == answer(prompt, 5)
    assert table.told[second][0].cached_tokens == 16


def test_salted_prefixes_are_kept_apart() -> None:
    table = Table()
    for salt, cached in ((b"a", 0), (b"b", 0), (b"a", 8)):
        run = Run(list(range(9)), 2, greedy(), lambda _: None, salt=salt)
        table.scheduler.add(run)
        table.finish()
        assert table.told[run][0].cached_tokens == cached


def test_decoding_sequences_come_first_and_have_one_token() -> None:
    table = Table(prefill_tokens=8)
    table.add([1, 2, 3], 9)
    table.step()
    table.add(list(range(20)), 2)
    table.finish()
    mixed = [step for step in table.steps if len(step.lengths) == 2]
    assert [step.starts for step in mixed][:3] == [[0, 1, 9], [0, 1, 9], [0, 1, 5]]
    assert [step.decoding for step in mixed] == [1, 1, 1, 2]
    assert [step.wanted.tolist() for step in mixed] == [[0], [0], [0, 4], [0, 1]]


def test_block_tables_are_padded_with_zeros() -> None:
    table = Table(max_running=2)
    table.add(list(range(40)), 1)
    table.finish()
    table.add([5], 3)
    table.step()
    table.add(list(range(50, 70)), 2)
    table.finish()
    narrow = [row for step in table.steps for row in step.block_tables.tolist() if not any(row[1:])]
    assert [len(row) for row in narrow] == [1, 5, 6]


def test_after_preemption_the_tokens_are_the_same() -> None:
    table = Table(blocks=12, prefill_tokens=8)
    prompts = [[index, *range(index)] for index in range(3, 9)]
    runs = [table.add(prompt, 20) for prompt in prompts]
    table.finish()
    assert table.stepper.tally.preemptions > 0
    assert [table.tokens(run) for run in runs] == [answer(prompt, 20) for prompt in prompts]
    assert [run.arrival for run in table.told] == [1, 2, 3, 4, 5, 6]


def test_the_youngest_is_preempted_and_goes_to_the_front() -> None:
    table = Table(blocks=6)
    old, young = table.add([1, 2, 3, 4], 12), table.add([5, 6, 7, 8], 12)
    last = table.add([9] * 16, 2)
    while not table.stepper.tally.preemptions:
        table.step()
    assert table.scheduler.running == [old]
    assert list(table.scheduler.waiting) == [young, last]
    table.finish()
    assert table.tokens(young) == answer([5, 6, 7, 8], 12)


def test_copies_of_a_prompt_compute_it_once() -> None:
    table = Table(prefill_tokens=8)
    prompt = list(range(30))
    runs = [table.add(prompt, 3) for _ in range(6)]
    other = table.add([90, 91], 3)
    table.finish()
    assert all(table.tokens(run) == answer(prompt, 3) for run in runs)
    assert [table.told[run][0].cached_tokens for run in runs] == [0, *[28] * 5]
    assert sum(step.starts[-1] for step in table.steps) == 30 + 5 * 2 + 2 + 7 * 2
    first = next(index for index, one in enumerate(table.steps) if one.decoding)
    assert table.told[other][-1].finish == "length"
    assert first == 1, "who waits for a prefix holds up nobody else"


def test_a_prefix_is_not_waited_for_in_vain() -> None:
    table = Table(prefill_tokens=8)
    prompt = list(range(30))
    first, second = table.add(prompt, 3), table.add(prompt, 3)
    table.step()
    first.cancelled = True
    table.scheduler.drop_cancelled()
    table.finish()
    assert table.tokens(second) == answer(prompt, 3)
    assert table.told[second][0].cached_tokens == 8


def test_prompt_logprobs_are_told_of_every_token_however_it_was_computed() -> None:
    for prefill_tokens in (512, 7, 1):
        table = Table(prefill_tokens=prefill_tokens)
        prompt = list(range(17))
        table.add(prompt, 1)
        table.finish()
        run, single = (table.add(one, 2, prompt_logprobs=True) for one in (prompt, [5]))
        table.finish()
        first = table.told[run][0]
        assert first.cached_tokens == 0
        assert [drawn.token for drawn in first.prompt] == prompt
        assert first.prompt[0].logprob is None
        likely = [next_token(prompt[:end]) == prompt[end] for end in range(1, 17)]
        told = [(drawn.logprob or 0) > -1 for drawn in first.prompt[1:]]
        assert told == likely
        assert [drawn.token for drawn in table.told[single][0].prompt] == [5]
        assert table.tokens(run) == answer(prompt, 2)


def test_a_prompt_alone_can_be_asked_for() -> None:
    table = Table()
    run = table.add([1, 2, 3], 0, prompt_logprobs=True)
    table.finish()
    (only,) = table.told[run]
    assert (len(only.prompt), list(only.drawn), only.finish) == (3, [], "length")


def test_a_stop_token_ends_and_is_not_told() -> None:
    table = Table()
    expected = answer([1, 2, 3], 4)
    run = Run([1, 2, 3], 9, greedy(), lambda _: None, frozenset(expected[3:]))
    table.scheduler.add(run)
    table.finish()
    assert table.tokens(run) == expected[:3]
    assert table.told[run][-1].finish == "stop"


def test_a_full_window_ends_an_answer() -> None:
    table = Table()
    run = table.add(list(range(60)), 50)
    table.finish()
    assert table.tokens(run) == answer(list(range(60)), 4)
    assert table.told[run][-1].finish == "length"


def test_a_sequence_without_a_token_to_draw_fails_alone() -> None:
    table = Table()
    forward = table.decoder.forward

    def spoilt(token_ids: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        logits = forward(token_ids, positions, cache)
        if len(table.steps) == 3:
            logits[1] = float("nan")
        return logits

    table.decoder.forward = spoilt  # type: ignore[method-assign]
    runs = [table.add(prompt) for prompt in PROMPTS[:3]]
    table.finish()
    assert [table.told[run][-1].error is None for run in runs] == [True, False, True]
    assert table.tokens(runs[2]) == answer(PROMPTS[2], 5)


def test_what_a_failed_step_computed_is_not_found_again() -> None:
    table = Table()

    def break_down(step: Step) -> None:
        table.steps.append(step)
        if len(table.steps) == 3:
            raise RuntimeError("out of luck")

    table.decoder.before = break_down
    run = table.add(list(range(9)))
    table.finish()
    assert isinstance(table.told[run][-1].error, Exception)
    again = table.add(list(range(9)))
    table.finish()
    assert table.told[again][0].cached_tokens == 0
    assert table.tokens(again) == answer(list(range(9)), 5)


def test_a_short_prompt_does_not_wait_for_a_long_one_nor_starve_it() -> None:
    table = Table(prefill_tokens=8)
    long = table.add(list(range(50)), 1)
    table.step()
    finished: list[Run] = []
    for index in range(20):
        table.add([80, index], 1)
        table.step()
        finished += [run for run in table.told if run not in finished]
    assert finished[0] is not long
    assert finished.index(long) < 14
