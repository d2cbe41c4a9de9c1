"""The pool of cache blocks: who holds which, and which hold a prefix worth finding again.

A block is free, held by some sequences, or idle: held by nobody, but findable by the hash of its
tokens and all before them, until it is the longest unused and its room is needed.
"""

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b


def chain(before: bytes, tokens: Sequence[int]) -> bytes:
    """The hash of a full block: of its tokens and, through `before`, of all that precede them."""
    return blake2b(before + array("q", tokens).tobytes(), digest_size=16).digest()


class BlockPool:
    """`blocks` blocks of `block_tokens` tokens, counted by reference."""

    def __init__(self, blocks: int, block_tokens: int) -> None:
        self.blocks = blocks
        self.block_tokens = block_tokens
        self._free = list(range(blocks - 1, -1, -1))
        self._idle: OrderedDict[int, None] = OrderedDict()  # longest unused first
        self._holders = [0] * blocks
        self._hashes: list[bytes | None] = [None] * blocks
        self._found: dict[bytes, int] = {}

    @property
    def available(self) -> int:
        """How many blocks `take` can give."""
        return len(self._free) + len(self._idle)

    @property
    def used(self) -> int:
        """How many blocks sequences hold."""
        return self.blocks - self.available

    def holders(self, block: int) -> int:
        """How many sequences hold a block."""
        return self._holders[block]

    def take(self) -> int:
        """A block for its taker alone; the prefix that it may have held is forgotten."""
        assert self.available, "no block is left"  # noqa: S101 - the scheduler has looked
        if self._free:
            block = self._free.pop()
        else:
            block, _ = self._idle.popitem(last=False)
            self._forget(block)
        self._holders[block] = 1
        return block

    def find(self, hashes: Sequence[bytes]) -> list[int]:
        """The blocks of the longest prefix that is kept; they are not held yet."""
        found = []
        for digest in hashes:
            block = self._found.get(digest)
            if block is None:
                break
            found.append(block)
        return found

    def idle(self, blocks: Sequence[int]) -> int:
        """How many of them nobody holds: to hold these takes from what is available."""
        return sum(not self._holders[block] for block in blocks)

    def hold(self, blocks: Sequence[int]) -> None:
        """Hold blocks that were found."""
        for block in blocks:
            if not self._holders[block]:
                del self._idle[block]
            self._holders[block] += 1

    def keep(self, block: int, digest: bytes) -> None:
        """Make a full block findable; where its prefix is kept already, that one stays."""
        if digest not in self._found:
            assert self._hashes[block] is None, "filled twice"  # noqa: S101 - our own bug
            self._found[digest] = block
            self._hashes[block] = digest

    def release(self, blocks: Sequence[int]) -> None:
        """Let go of a sequence's blocks: the last first, so that beginnings outlive ends."""
        for block in reversed(blocks):
            self._holders[block] -= 1
            assert self._holders[block] >= 0, "released twice"  # noqa: S101 - our own bug
            if not self._holders[block]:
                if self._hashes[block] is None:
                    self._free.append(block)
                else:
                    self._idle[block] = None

    def forget(self, blocks: Sequence[int]) -> None:
        """Make held blocks unfindable: what is in them is not trusted."""
        for block in blocks:
            if self._hashes[block] is not None:
                self._forget(block)

    def _forget(self, block: int) -> None:
        digest = self._hashes[block]
        assert digest is not None  # noqa: S101 - an idle block has one
        del self._found[digest]
        self._hashes[block] = None
