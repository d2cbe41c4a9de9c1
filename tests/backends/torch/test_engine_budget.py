"""How many prompt tokens a step takes, and whose they are."""

from backends.torch.engine.budget import PrefillBudget
from backends.torch.engine.shares import divide
from tests.backends.torch.toy_decoder import make_run


def test_the_budget_is_divided_between_the_oldest_and_the_shortest() -> None:
    runs = [make_run(range(length)) for length in (100, 40, 3, 50)]
    for arrival, run in enumerate(runs):
        run.arrival = arrival
    old, middle, short, _ = runs
    assert divide(runs, 20) == [(old, 10), (short, 3), (middle, 7)]
    assert divide([old, short], 20) == [(old, 17), (short, 3)]
    assert divide([old], 20) == [(old, 20)]
    assert divide(runs, 1) == [(old, 1)]


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
