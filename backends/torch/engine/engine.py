"""The engine on its own thread: submitted from an event loop, answering to it.

The loop never waits for the thread: it appends to a list and goes on. The thread hands over all
that a step brought with one call into the loop, and sleeps on a condition when there is no work.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from threading import Condition, Event, Thread
from time import monotonic

import torch

from backends.protocol.errors import BackendUnavailable
from backends.torch.engine.admission import Admission, require_fit
from backends.torch.engine.budget import PrefillBudget
from backends.torch.engine.loaded import Loaded
from backends.torch.engine.run import Progress, Run
from backends.torch.engine.statistics import Stats
from backends.torch.engine.stepping import Stepper
from backends.torch.sampling.drawing import Drawing, Drawn

_log = logging.getLogger(__name__)


class Engine:
    """Generates for many at a time with what `load` makes; `load` is called on the thread.

    `max_running` sequences share a step, and `max_waiting` more may be in the queue. A step with
    decoding sequences takes prompt tokens for as long as it lasts `stall_s`, others take
    `prefill_tokens`.
    """

    def __init__(
        self,
        load: Callable[[], Loaded],
        *,
        max_running: int = 64,
        max_waiting: int = 256,
        stall_s: float = 0.05,
        prefill_tokens: int = 1024,
    ) -> None:
        self.failed: BaseException | None = None
        self._load = load
        self._max_running = max_running
        self._budget = PrefillBudget(stall_s, prefill_tokens)
        self._admission = Admission(max_running + max_waiting)
        self._vocabulary = 0
        self._condition = Condition()
        self._settled = Event()
        # Both are touched under the condition alone: all that is wanted and not over yet, and what
        # of it the thread has not taken in.
        self._inside: set[Run] = set()
        self._inbox: list[Run] = []
        self._cancelling = False
        self._closing = False
        self._stepper: Stepper | None = None
        self._stats = Stats()
        self._thread = Thread(target=self._live, name="engine", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether sequences can be submitted."""
        return self._stepper is not None and self.failed is None and not self._closing

    @property
    def window_tokens(self) -> int:
        """How many tokens a sequence may have, prompt and output; 0 before it is ready."""
        return self._stepper.window_tokens if self._stepper else 0

    @property
    def stats(self) -> Stats:
        """Where the engine stood after its last step; from any thread."""
        return self._stats

    def settle(self, timeout_s: float | None = None) -> bool:
        """Wait until it is `ready` or has `failed`; false if it is still loading then."""
        return self._settled.wait(timeout_s)

    def submit(self, *runs: Run) -> None:
        """Queue sequences, all or none; progress is delivered in `run.loop`, or on the thread.

        Raises:
            BackendUnavailable: nothing is loaded, or no longer.
            BadRequestError: a prompt is empty, or of tokens that the model does not have, or
                there are more sequences than the queue could ever take.
            ContextLengthExceeded: the prompt can never fit.
            RateLimitError: the queue is full.
        """
        stepper = self._ready_stepper()
        for prompt in {id(run.prompt): run.prompt for run in runs}.values():
            require_fit(prompt, stepper.window_tokens, self._vocabulary)
        for run in runs:
            if run.prompt_logprobs:
                run.told.append(Drawn(run.prompt[0]))
        with self._condition:
            self._ready_stepper()
            waiting = len(self._inbox) + self._stats.waiting
            self._admission.require_room(len(self._inside), waiting, monotonic(), len(runs))
            self._inside.update(runs)
            self._inbox += runs
            self._condition.notify()

    def cancel(self, run: Run) -> None:
        """Let a sequence go: its blocks are free after the step in progress."""
        with self._condition:
            run.cancelled = True
            self._inside.discard(run)  # its place in the queue is free at once
            self._cancelling = True
            self._condition.notify()

    async def generate(
        self,
        prompt: Sequence[int],
        max_tokens: int,
        drawing: Drawing,
        stops: frozenset[int] = frozenset(),
        *,
        prompt_logprobs: bool = False,
        salt: bytes = b"",
    ) -> AsyncGenerator[Progress, None]:
        """What each step brings the sequence; closing the iterator cancels it.

        Raises what `submit` raises, and `APIError` when a step fails.
        """
        told: asyncio.Queue[Progress] = asyncio.Queue()
        run = Run(
            prompt,
            max_tokens,
            drawing,
            told.put_nowait,
            stops,
            prompt_logprobs,
            salt=salt,
            loop=asyncio.get_running_loop(),
        )
        self.submit(run)
        done = False
        try:
            while not done:
                progress = await told.get()
                done = progress.finish is not None or progress.error is not None
                if progress.error is not None:
                    raise progress.error
                yield progress
        finally:
            if not done:
                self.cancel(run)

    def close(self, timeout_s: float | None = 10.0) -> None:
        """End the thread after its step, and fail what is left."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join(timeout_s)

    def _ready_stepper(self) -> Stepper:
        if self.failed is not None or self._closing:
            raise _unavailable(self.failed)
        if self._stepper is None:
            raise BackendUnavailable("The model is being loaded; try again later.")
        return self._stepper

    def _live(self) -> None:
        """The thread's life."""
        try:
            loaded = self._load()
            for budget in (PrefillBudget(), self._budget):  # the first round is all set-up
                Stepper(loaded, budget, self._max_running).warm()
            stepper = Stepper(loaded, self._budget, self._max_running)
            self._vocabulary = loaded.decoder.shape.vocabulary
            self._stats = stepper.stats()
            self._stepper = stepper
        except BaseException as error:  # noqa: BLE001 - logged, kept and told; it is never ready
            _log.exception("the model could not be loaded: %s", error)
            self.failed = error
            return
        finally:
            self._settled.set()
        try:
            self._serve(stepper)
        except BaseException as error:  # noqa: BLE001 - kept and told; the server is not ready
            _log.exception("the engine ends")
            self.failed = error
        finally:
            self._end(stepper)

    @torch.inference_mode()
    def _serve(self, stepper: Stepper) -> None:
        """Step after step, until the engine closes."""
        while self._has_work(stepper):
            progress = stepper.step()
            over = [run for run, one in progress if one.finish or one.error]
            with self._condition:
                self._inside.difference_update(over)
                self._admission.left(len(over), monotonic())
                self._stats = stepper.stats()
            self._deliver(progress)

    def _has_work(self, stepper: Stepper) -> bool:
        """Take in what came, and wait while there is nothing; false when the engine closes."""
        scheduler = stepper.scheduler
        with self._condition:
            while not (self._inbox or scheduler.running or scheduler.waiting):
                if self._closing or self._cancelling:
                    break
                self._condition.wait()
            changed = bool(self._inbox) or self._cancelling
            for run in self._inbox:
                scheduler.add(run)
            self._inbox.clear()
            if self._cancelling:
                self._cancelling = False
                scheduler.drop_cancelled()
            if changed:
                self._stats = stepper.stats()
            return not self._closing

    def _end(self, stepper: Stepper) -> None:
        """Fail all that is left. They are told first: what follows may be what is broken."""
        with self._condition:
            self._closing = True  # nothing is submitted from here on
            left = [*self._inside]
            self._inside.clear()
            self._inbox.clear()
        self._deliver([(run, Progress(error=_unavailable(self.failed))) for run in left])
        for run in left:
            stepper.scheduler.end(run)
        self._stats = stepper.stats()

    def _deliver(self, progress: Iterable[tuple[Run, Progress]]) -> None:
        """Hand over all at once, to each loop; there is one."""
        batches: dict[asyncio.AbstractEventLoop | None, list[tuple[Run, Progress]]] = {}
        for run, one in progress:
            if not run.cancelled:
                batches.setdefault(run.loop, []).append((run, one))
        for loop, batch in batches.items():
            if loop is None:
                _hand_over(batch)
                continue
            try:
                loop.call_soon_threadsafe(_hand_over, batch)
            except RuntimeError:  # the loop is closed, and nobody listens any more
                for run, _ in batch:
                    self.cancel(run)


def _unavailable(failed: BaseException | None) -> BackendUnavailable:
    if failed is not None:
        return BackendUnavailable("The model could not be loaded, or failed for good.")
    return BackendUnavailable("The engine is shutting down.")


def _hand_over(batch: list[tuple[Run, Progress]]) -> None:
    for run, progress in batch:
        run.deliver(progress)
