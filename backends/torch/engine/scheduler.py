"""Which sequences run, and what each does in the next step."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from backends.torch.engine.blocks import BlockPool, chain
from backends.torch.engine.run import Run
from backends.torch.engine.shares import divide
from backends.torch.engine.statistics import Stats


@dataclass(slots=True)
class Plan:
    """The next step: one token of each of `decoding`, then pieces of prompts with their lengths."""

    decoding: list[Run] = field(default_factory=list)
    pieces: list[tuple[Run, int]] = field(default_factory=list)

    @property
    def runs(self) -> list[Run]:
        """All that take part, in the order of the step."""
        return [*self.decoding, *[run for run, _ in self.pieces]]


class Scheduler:
    """Continuous batching: decoding sequences first, then prompts, in pieces, within a budget.

    A sequence is admitted when its blocks are there for all that it has, and takes more as it
    grows. When none is left, the youngest goes back to the front of the queue, keeping what it
    has said: it is computed again, mostly from the prefix cache.

    Where a decoder is `reproducible`, a token is always computed in the same way: one of a prompt
    with its block, one of the output by itself. So pieces of prompts end where blocks do, others
    find blocks of prompts alone, and what was said is computed again token by token.
    """

    def __init__(
        self,
        pool: BlockPool,
        max_running: int,
        tally: Stats | None = None,
        *,
        reproducible: bool = False,
    ) -> None:
        self.pool = pool
        self.tally = tally or Stats()
        self.max_running = max_running
        self._reproducible = reproducible
        self.waiting: deque[Run] = deque()
        self.running: list[Run] = []  # in the order of admission
        self._slots = list(range(max_running - 1, -1, -1))
        self._computing: dict[bytes, Run] = {}  # full blocks that a running sequence will fill
        self._arrivals = 0

    def add(self, run: Run) -> None:
        """Queue a new sequence."""
        self._arrivals += 1
        run.arrival = self._arrivals
        run.replays = self._reproducible
        self.waiting.append(run)

    def plan(self, budget: Callable[[int], int]) -> Plan:
        """The next step; `budget` gives the prompt tokens that go with so many decoding ones."""
        self._make_room()
        if self.waiting:
            self._admit()
        decoding = [run for run in self.running if run.decodes]
        if len(decoding) == len(self.running):
            return Plan(decoding)
        # The last token of a prompt too, where the others are cached: kernels round prompts in
        # another way, and a prompt's warm cache is not to change what is said.
        prompts = [run for run in self.running if not run.decodes]
        block_tokens = self.pool.block_tokens if self._reproducible else 1
        return Plan(decoding, divide(prompts, budget(len(decoding)), block_tokens))

    def computed(self, run: Run, tokens: int) -> None:
        """Note that so many more of its tokens are in the cache."""
        run.computed += tokens
        full = self._shared(run, run.computed)
        while run.kept < full:
            digest = self._hashes(run, run.kept + 1)[run.kept]
            self.pool.keep(run.blocks[run.kept], digest)
            if self._computing.get(digest) is run:
                del self._computing[digest]
            run.kept += 1

    def end(self, run: Run) -> None:
        """Take a sequence out, wherever it is; its blocks are released."""
        if run.blocks:
            self.running.remove(run)
            self._release(run)
        elif run in self.waiting:
            self.waiting.remove(run)

    def fail(self, run: Run) -> None:
        """End a sequence that went wrong; nobody is to find what it computed."""
        self.pool.forget(run.blocks)
        self.end(run)

    def drop_cancelled(self) -> None:
        """End all that nobody wants any more."""
        for run in [run for run in self.running if run.cancelled]:
            self.end(run)
        self.waiting = deque(run for run in self.waiting if not run.cancelled)

    def _make_room(self) -> None:
        """Give each decoding sequence a block for its next token, or send the youngest back."""
        room = self.pool.block_tokens
        for run in list(self.running):
            while run.blocks and run.length > len(run.blocks) * room:
                if self.pool.available:
                    run.blocks.append(self.pool.take())
                else:
                    self._preempt(max(self.running, key=lambda held: held.arrival))

    def _preempt(self, run: Run) -> None:
        self.tally.preemptions += 1
        self.end(run)
        self.waiting.appendleft(run)

    def _admit(self) -> None:
        """Start waiting sequences in order; one that waits for another's prefix holds up none."""
        passed = []
        while self.waiting and len(self.running) < self.max_running:
            run = self.waiting.popleft()
            if run.awaits in self._computing:
                passed.append(run)
                continue
            prefix = self._prefix(run)
            if run.awaits is not None:
                passed.append(run)
                continue
            if not self._fits(run, prefix):
                passed.append(run)
                break
            self._start(run, prefix)
        self.waiting.extendleft(reversed(passed))

    def _prefix(self, run: Run) -> list[int]:
        """The blocks that are there for a sequence; sets what it `awaits` where more are coming.

        At least one token is left to compute: the next is drawn from its logits. The block that
        it stands in is then the sequence's own, and no block that is shared is ever written.
        """
        run.awaits = None
        if run.untold:
            return []
        hashes = self._hashes(run, self._shared(run, run.length - 1))
        found = self.pool.find(hashes)
        if len(found) < len(hashes) and hashes[len(found)] in self._computing:
            run.awaits = hashes[len(found)]
        return found

    def _fits(self, run: Run, prefix: list[int]) -> bool:
        """Whether there are blocks for it, and one more for each that is running already."""
        wanted = self._blocks(run.length) - len(prefix) + self.pool.idle(prefix)
        return wanted + len(self.running) <= self.pool.available

    def _start(self, run: Run, prefix: list[int]) -> None:
        self.pool.hold(prefix)
        fresh = self._blocks(run.length) - len(prefix)
        run.blocks = [*prefix, *[self.pool.take() for _ in range(fresh)]]
        run.computed = len(prefix) * self.pool.block_tokens
        run.kept = len(prefix)
        run.slot = self._slots.pop()
        run.tabled = 0
        for digest in self._hashes(run, self._shared(run, run.length))[run.kept :]:
            self._computing.setdefault(digest, run)
        if run.cached_tokens is None:
            run.cached_tokens = run.computed
            self.tally.prompt_tokens += len(run.prompt)
            self.tally.prefix_queries += 0 if run.untold else run.length
            self.tally.prefix_hits += run.computed
        self.running.append(run)

    def _release(self, run: Run) -> None:
        for digest in run.hashes[run.kept :]:
            if self._computing.get(digest) is run:
                del self._computing[digest]
        self.pool.release(run.blocks)
        self._slots.append(run.slot)
        run.blocks = []
        run.computed = run.kept = 0

    def _shared(self, run: Run, tokens: int) -> int:
        """How many of its blocks others may find, of so many tokens."""
        if self._reproducible:
            tokens = min(tokens, len(run.prompt))
        return tokens // self.pool.block_tokens

    def _blocks(self, tokens: int) -> int:
        return -(-tokens // self.pool.block_tokens)

    def _hashes(self, run: Run, full: int) -> list[bytes]:
        """The hashes of its first `full` blocks."""
        size = self.pool.block_tokens
        for index in range(len(run.hashes), full):
            before = run.hashes[-1] if run.hashes else run.salt
            run.hashes.append(chain(before, run.tokens(index * size, (index + 1) * size)))
        return run.hashes[:full]
