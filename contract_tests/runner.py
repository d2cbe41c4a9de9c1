"""Runs checks against a target, and turns what they raise into verdicts."""

import asyncio
import time
from collections.abc import Callable, Sequence

from contract_tests.capabilities import CAPABILITIES
from contract_tests.check import Check, Level
from contract_tests.result import Result
from contract_tests.server import Server
from contract_tests.target import Target
from contract_tests.verdict import (
    PATIENCE,
    TOO_SLOW,
    Broken,
    TimedOut,
    Uncooperative,
    Unreachable,
    Unsupported,
    Verdict,
)

KINDS = ("chat", "completions", "embeddings", "moderations")
SILENCES = 8  # answers in a row that never came, after which the run gives up
BURSTS = 2  # times everything at once, lest one busy moment ends the run
LONGEST = 12  # silences that a check may take
Progress = Callable[[Result], None]


async def run(
    target: Target, checks: Sequence[Check], progress: Progress = lambda _: None
) -> list[Result]:
    """The result of each check, in the order of the checks.

    Up to `target.concurrency` checks run at once, each with one request at a time; those that
    measure time or load run alone, after the others.

    Raises:
        Unreachable: the server has stopped answering.
    """
    await prepare(target, checks)
    slots = asyncio.Semaphore(target.concurrency)
    results: dict[str, Result] = {}

    async def one(check: Check) -> None:
        async with slots:
            results[check.id] = await judge(target, check)
            progress(results[check.id])

    try:
        async with asyncio.TaskGroup() as group:
            for check in checks:
                if not check.alone:
                    group.create_task(one(check))
    except ExceptionGroup as ended:
        raise ended.exceptions[0] from None
    for check in checks:
        if check.alone:
            await one(check)
    return [results[check.id] for check in checks]


async def prepare(target: Target, checks: Sequence[Check]) -> None:
    """Finds the models that the checks will name.

    Raises:
        Unreachable: there is none, or the list of models did not come in time.
    """
    needed = {need.partition(".")[0] for check in checks for need in check.needs}
    for kind in KINDS:
        if kind == "chat" or kind in needed:
            try:
                await target.model(kind)
            except TimedOut as slow:
                raise Unreachable(f"the list of models: {slow}; or name one with --model") from slow


async def judge(target: Target, check: Check) -> Result:
    """The result of one check.

    Raises:
        Unreachable: the server has stopped answering.
    """
    began_s = time.perf_counter()
    try:
        result = await _prerequisites(target, check)
    except TimedOut as slow:
        result = Result(check, Verdict.INCONCLUSIVE, str(slow), attempts=0)
    attempt, attempts = 0, 0 if result else _attempts(target, check)
    while result is None or (result.verdict is Verdict.INCONCLUSIVE and attempt < attempts):
        attempt += 1
        result = await _attempt(target, check, attempt)
        result.attempts = attempt
    result.duration_s = time.perf_counter() - began_s
    return result


def _attempts(target: Target, check: Check) -> int:
    return target.attempts if check.cooperative else 1


async def _prerequisites(target: Target, check: Check) -> Result | None:
    for need in check.needs:
        if not await target.has(need):
            capability = CAPABILITIES[need]
            if capability.nature:
                seen = f"the server does not do so: {capability.description}"
                return Result(check, Verdict.INCONCLUSIVE, seen, attempts=0)
            refused = f"the server does not support {need} ({capability.description})"
            return Result(check, Verdict.UNSUPPORTED, refused, attempts=0)
    return None


async def _attempt(target: Target, check: Check, attempt: int) -> Result:
    server = Server(target, attempt)
    result = Result(check, Verdict.PASS, exchanges=server.exchanges)
    try:
        # A check is a few exchanges, and each exchange has an end of its own.
        async with asyncio.timeout(target.timeout_s * LONGEST):
            await check.run(server)
    except Broken as broken:
        result.verdict = Verdict.FAIL if check.level is Level.MUST else Verdict.WARN
        result.message, result.expected, result.seen = str(broken), broken.expected, broken.seen
    except Unsupported as refused:
        result.verdict, result.message = Verdict.UNSUPPORTED, str(refused)
    except Uncooperative as reason:
        result.verdict, result.message = Verdict.INCONCLUSIVE, str(reason)
    except Unreachable:
        raise
    except TimeoutError:
        result.verdict, result.message = _without_end(server)
    except Exception as error:  # noqa: BLE001 - the outer edge: a fault of the suite is a verdict
        place = _place(error)
        result.verdict = Verdict.ERROR
        result.message = f"the suite itself failed: {type(error).__name__}: {error} ({place})"
    silences = target.client.silences
    if silences >= max(SILENCES, BURSTS * target.concurrency):
        raise Unreachable(
            f"{target.url} has stopped answering: {silences} requests in a row got no answer; "
            f"if it is only slow, {PATIENCE}"
        )
    return result


def _without_end(server: Server) -> tuple[Verdict, str]:
    """What is said of a check that does not end: its requests take long, or it asks nothing."""
    waited = f"the check did not come to an end within {server.target.timeout_s * LONGEST:g} s"
    if server.asked:
        return Verdict.INCONCLUSIVE, f"{TOO_SLOW}: {waited}; {PATIENCE}"
    return Verdict.ERROR, waited


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    if trace is None:
        return "unknown place"
    name = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
    return f"{name}:{trace.tb_lineno}"
