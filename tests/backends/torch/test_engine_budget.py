"""How many prompt tokens a step takes, and whose they are."""

import pytest

from backends.torch.decoder import Step
from backends.torch.engine import stepping
from backends.torch.engine.budget import PrefillBudget
from backends.torch.engine.shares import divide
from backends.torch.engine.stepping import Stepper
from backends.torch.sampling.drawing import Drawn
from tests.backends.torch.toy_decoder import ToyDecoder, loaded, make_run


def test_the_budget_is_divided_between_the_oldest_and_the_shortest() -> None:
    runs = [make_run(range(length)) for length in (100, 40, 3, 50)]
    for arrival, run in enumerate(runs):
        run.arrival = arrival
    old, middle, short, _ = runs
    assert divide(runs, 20) == [(old, 10), (short, 3), (middle, 7)]
    assert divide([old, short], 20) == [(old, 17), (short, 3)]
    assert divide([old], 20) == [(old, 20)]
    assert divide(runs, 1) == [(old, 1)]


@pytest.mark.parametrize("budget", [1, 16, 31, 40, 63, 64, 200])
def test_the_oldest_goes_on_where_pieces_are_whole_blocks(budget: int) -> None:
    runs = [make_run(range(length)) for length in (1000, 8, 11, 20)]
    for arrival, run in enumerate(runs):
        run.arrival = arrival
    oldest = runs[0]
    while oldest.unread > 32:
        shares = dict(divide(runs, budget, 32))
        assert shares[oldest] >= 32
        assert shares[oldest] % 32 == 0 or shares[oldest] == oldest.unread
        for run in runs[1:]:  # others like them keep coming
            share = shares.get(run, 0)
            assert share in {0, run.unread} or share % 32 == 0
        oldest.computed += shares[oldest]


def test_the_budget_follows_what_steps_last() -> None:
    budget = PrefillBudget(0.05, 512)
    assert budget.tokens(0) == 512
    assert budget.tokens(1) == 0, "what decoding alone takes is to be seen first"
    budget.learn(1, 0, 0.01)
    assert budget.tokens(1) == 64
    for _ in range(40):
        budget.learn(4, 0, 0.01)
        tokens = budget.tokens(4)
        budget.learn(4, tokens, 0.01 + tokens * 0.0004)
    assert 95 <= budget.tokens(4) <= 100
    budget.learn(4, 0, 0.01)
    for _ in range(30):  # a longer context, or company on the machine
        tokens = budget.tokens(4)
        budget.learn(4, tokens, 0.02 + tokens * 0.001)
    assert 0.04 < 0.02 + budget.tokens(4) * 0.001 < 0.055
    for _ in range(40):  # decoding alone takes longer: a prompt goes on nevertheless
        budget.learn(32, 0, 0.2)
    assert 70 <= budget.tokens(32) <= 110
    for _ in range(30):
        budget.learn(32, 16, 3.0)
    assert budget.tokens(32) == 16
    budget.learn(32, 16, 3.0)
    budget.learn(32, 16, 3.0)
    assert budget.tokens(32) == 0, "now and then decoding goes alone"
    budget.learn(32, 0, 0.2)
    assert budget.tokens(32) == 16


def test_one_odd_step_does_not_govern_the_budget() -> None:
    budget = PrefillBudget(0.05, 512)
    for _ in range(20):
        budget.learn(4, 0, 0.01)
        budget.learn(4, 100, 0.05)
    before = budget.tokens(4)
    budget.learn(4, 100, 3.0)
    assert budget.tokens(4) > before / 3
    budget.learn(4, 100, 0.01)
    assert budget.tokens(4) < before * 1.5


def test_rows_of_logits_are_bounded_over_all_prompts_of_a_step() -> None:
    runs = [make_run(range(length), prompt_logprobs=True) for length in (300, 100, 50)]
    for arrival, run in enumerate(runs):
        run.arrival = arrival
        run.told.append(Drawn(0))
    plain = make_run(range(200))
    shares = divide([*runs, plain], 1024)
    assert sum(share for run, share in shares if run.untold) == 128
    assert (plain, 200) in shares


def lasts_s(decoding: int, prompt_tokens: int, before: int = 0) -> float:
    """A step on a machine that reads its weights in 8 ms, and takes 0.3 ms a token beyond that."""
    return max(0.008, (decoding + prompt_tokens) * 0.0003 + prompt_tokens * before * 1e-8)


def steps_of(budget: PrefillBudget, prompt_tokens: int, decoding: int) -> list[float]:
    """How long each step lasts until a prompt is read beside those that decode."""
    steps: list[float] = []
    read = 0
    while read < prompt_tokens:
        share = min(budget.tokens(decoding), prompt_tokens - read)
        steps.append(lasts_s(decoding, share, read))
        budget.learn(decoding, share, steps[-1])
        read += share
    return steps


def test_a_long_prompt_beside_eight_that_decode_holds_none_up_for_long() -> None:
    for short_prompts in (0, 20, 200):
        budget = PrefillBudget(0.05, 1024)
        budget.learn(0, 64, lasts_s(0, 64))
        budget.learn(1, 0, lasts_s(1, 0))
        # They cost nothing beside reading the weights, and tell nothing of long ones.
        for _ in range(short_prompts):
            steps_of(budget, 8, decoding=8)
        steps = steps_of(budget, 2000, decoding=8)
        assert max(steps) < 0.06, short_prompts
        assert len(steps) < 25, short_prompts


def test_a_budget_that_fell_below_a_telling_piece_rises_again() -> None:
    budget = PrefillBudget(0.05, 1024)
    budget.learn(0, 64, lasts_s(0, 64))
    for _ in range(5):
        budget.learn(8, 0, 0.01)
        budget.learn(8, 16, 0.2)  # somebody else has the machine for a while
    assert budget.tokens(8) == 16
    for _ in range(40):
        steps_of(budget, 500, decoding=8)
    assert budget.tokens(8) > 100


def test_eight_that_decode_have_a_token_a_step_while_a_long_prompt_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 0.0
    lasted: list[tuple[int, int, float]] = []

    def pass_time(step: Step) -> None:
        nonlocal now_s
        share = step.starts[-1] - step.decoding
        lasted.append((step.decoding, share, lasts_s(step.decoding, share, max(step.lengths))))
        now_s += lasted[-1][2]

    monkeypatch.setattr(stepping, "perf_counter", lambda: now_s)
    decoder = ToyDecoder(context_tokens=4096)
    decoder.before = pass_time
    stepper = Stepper(loaded(decoder, blocks=1400), PrefillBudget(0.05, 1024), 16)
    stepper.warm()
    talkers = [make_run([one], 200) for one in range(8)]
    for run in talkers:
        stepper.scheduler.add(run)
    while not all(run.output for run in talkers):
        stepper.step()
    for one in range(30):  # what is short, and then what is long
        stepper.scheduler.add(make_run([90, one], 1))
        stepper.step()
    said = len(talkers[0].output)
    lasted.clear()
    long = make_run([token % 97 for token in range(2000)], 1)
    stepper.scheduler.add(long)
    while not long.output:
        stepper.step()
    assert [len(run.output) - said for run in talkers] == [len(lasted)] * 8
    assert max(step_s for _, _, step_s in lasted) < 0.065
    assert sum(share for _, share, _ in lasted) == 2000
    assert len(lasted) < 25
