"""The block pool: references, the prefix cache, and who is evicted first."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from backends.torch.engine.blocks import BlockPool, chain


def digests(*blocks: list[int]) -> list[bytes]:
    chained = [b""]
    for tokens in blocks:
        chained.append(chain(chained[-1], tokens))
    return chained[1:]


def test_a_hash_depends_on_the_tokens_before_and_on_the_salt() -> None:
    assert digests([1, 2], [3, 4])[1] != digests([2, 1], [3, 4])[1]
    assert chain(b"tenant", [1, 2]) != chain(b"", [1, 2])
    assert digests([1, 2], [3, 4]) == digests([1, 2], [3, 4])


def test_a_kept_prefix_is_found_as_far_as_it_goes() -> None:
    pool = BlockPool(4, 2)
    first, second = digests([1, 2], [3, 4])
    blocks = [pool.take(), pool.take()]
    pool.keep(blocks[0], first)
    assert pool.find([first, second]) == blocks[:1]
    pool.keep(blocks[1], second)
    pool.release(blocks)
    assert pool.find([first, second]) == blocks
    assert pool.available == 4


def test_the_longest_unused_prefix_goes_first_and_its_end_before_its_beginning() -> None:
    pool = BlockPool(4, 2)
    old, new = digests([1, 2], [3, 4]), digests([5, 6], [7, 8])
    for prefix in (old, new):
        blocks = [pool.take(), pool.take()]
        for block, digest in zip(blocks, prefix, strict=True):
            pool.keep(block, digest)
        pool.release(blocks)
    held = pool.find(old)
    pool.hold(held)
    pool.release(held)  # the old prefix is now the newer
    pool.take()
    assert len(pool.find(new)) == 1
    pool.take()
    assert not pool.find(new)
    assert len(pool.find(old)) == 2


def test_of_two_that_computed_the_same_block_the_first_is_found() -> None:
    pool = BlockPool(2, 2)
    digest = chain(b"", [1, 2])
    first, second = pool.take(), pool.take()
    pool.keep(first, digest)
    pool.keep(second, digest)
    assert pool.find([digest]) == [first]
    pool.release([second])
    assert pool.take() == second


def test_a_forgotten_block_is_free_once_it_is_released() -> None:
    pool = BlockPool(2, 2)
    digest = chain(b"", [1, 2])
    block = pool.take()
    pool.keep(block, digest)
    pool.forget([block])
    assert not pool.find([digest])
    pool.release([block])
    assert pool.available == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=80))
def test_no_block_is_lost_or_given_twice(actions: list[tuple[int, int]]) -> None:
    pool = BlockPool(6, 1)
    held: list[list[int]] = []
    kept: dict[int, bytes] = {}
    for action, value in actions:
        if action == 0 and pool.available:
            held.append([pool.take()])
            kept.pop(held[-1][0], None)
        elif action == 1 and held:
            block, digest = held[value % len(held)][0], chain(b"", [value])
            if block not in kept:
                pool.keep(block, digest)
                kept[block] = digest
        elif action == 2 and (found := pool.find([chain(b"", [value])])):
            assert kept[found[0]] == chain(b"", [value])
            pool.hold(found)
            held.append(found)
        elif action == 3 and held:
            pool.release(held.pop(value % len(held)))
        counts = Counter(block for blocks in held for block in blocks)
        assert all(pool.holders(block) == counts[block] for block in range(6))
        assert pool.used == len(counts)
