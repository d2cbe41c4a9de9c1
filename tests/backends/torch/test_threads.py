"""The team of threads that a thread computes with, and that it lets go."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import get_native_id

import pytest
import torch

from backends.torch.models.threads import openmp_libraries, release_threads

TASKS = Path("/proc/self/task")


def team() -> set[str]:
    """The threads that come when this one computes on two, and are let go."""
    torch.set_num_threads(2)
    before = {task.name for task in TASKS.iterdir()}
    torch.ones(500_000).exp()
    made = {task.name for task in TASKS.iterdir()} - before
    release_threads()
    left = made & {task.name for task in TASKS.iterdir()}
    assert made, "torch computes on one thread"
    assert str(get_native_id()) not in made
    return left


@pytest.mark.skipif(not openmp_libraries(), reason="torch computes without libgomp here")
def test_a_team_that_is_let_go_is_gone_and_comes_again() -> None:
    with ThreadPoolExecutor(1) as thread:  # one that has not computed yet
        assert thread.submit(team).result() == set()
        assert thread.submit(team).result() == set()
