"""The run in a terminal: progress while it lasts, then a page of what is wrong, by cause."""

import time
from collections import Counter
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from contract_tests.report.causes import Cause, causes
from contract_tests.report.model import RED, Outcome, Report
from contract_tests.result import Result
from contract_tests.verdict import TOO_SLOW, Verdict

STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WARN: "yellow",
    Verdict.UNSUPPORTED: "dim",
    Verdict.INCONCLUSIVE: "cyan",
    Verdict.ERROR: "bold magenta",
}
WHOLE = 3  # causes that are told in full
BRIEF = 12  # causes that are told in a line after them
NAMED = 8  # rules that a cause names
SILENCE_S = 10.0  # between two lines where there is no bar
LABEL_CHARS = 10


class Watching:
    """Shows how far the run is, as a bar or as a line now and then; a context around the run."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._counts: Counter[Verdict] = Counter()
        self._told_s = time.monotonic()
        self._progress = Progress(
            TextColumn("checking"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> "Watching":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def saw(self, result: Result) -> None:
        """One more check has come to its verdict."""
        self._counts[result.verdict] += 1
        red = [f"{self._counts[verdict]} {verdict}" for verdict in RED if self._counts[verdict]]
        state = " ".join([result.check.group, *red])
        self._progress.update(self._task, advance=1, description=state)
        now_s = time.monotonic()
        if not self._console.is_terminal and now_s - self._told_s >= SILENCE_S:
            self._told_s = now_s
            self._console.print(f"{self._counts.total()}/{self._total} checks, at {state}")


def print_report(console: Console, report: Report, *, verbose: bool = False) -> None:
    """What is wrong by cause, a page of it; if `verbose`, every broken rule, then the groups."""
    found = causes(report)
    if verbose:
        for outcome in report.broken():
            _print_whole(console, Cause([outcome]))
        console.print(_table(report))
    else:
        for cause in found[:WHOLE]:
            _print_whole(console, cause)
        _print_brief(console, found[WHOLE:])
        _print_known(console, report)
    _print_late(console, report)
    for line in report.stale:
        _line(console, f"stale in the baseline: {line} passes now", "bold red")
    console.print(summary(report), soft_wrap=True)


def summary(report: Report) -> Text:
    """The run in one line."""
    line = Text()
    for verdict, style in STYLES.items():
        if count := report.count(verdict):
            line.append(f"{count} {verdict}  ", style)
    line.append(
        f"in {report.duration_s:.1f} s, judged by requirement set {report.requirement_set}"
        f" ({report.requirement_digest})",
        "dim",
    )
    return line


def _line(console: Console, text: str, style: str = "") -> None:
    """The text as one line, however long: it can be searched, and pasted."""
    console.print(Text(text, style), soft_wrap=True)


def _headline(outcome: Outcome, more: str = "") -> Text:
    known = " (known)" if outcome.baseline is not None else ""
    return Text.assemble(
        (f"{outcome.verdict.upper():<5} ", STYLES[outcome.verdict]),
        (outcome.id, "bold"),
        (f"{known}{more}", "dim"),
    )


def _print_whole(console: Console, cause: Cause) -> None:
    outcome = cause.lead
    console.print(_headline(outcome, _and_more(cause)), soft_wrap=True)
    also = [one.id for one in cause.outcomes[1 : NAMED + 1]]
    left = len(cause.outcomes) - 1 - len(also)
    rows = {
        "rule": f"{outcome.level}: {outcome.rule}",
        "expected": outcome.expected,
        "seen": outcome.seen or outcome.message,
        "source": "; ".join(f"{one.kind} {one.where}" for one in outcome.sources),
        "breaks": outcome.clients,
        "known": outcome.baseline or "",
        "also": " ".join(also) + (f" and {left} more" if left else ""),
    }
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", justify="right", no_wrap=True, min_width=LABEL_CHARS)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value:
            table.add_row(name, Text(" ".join(value.split())))
    console.print(table)
    if outcome.requests:
        _line(console, outcome.requests[-1].curl)
    console.print()


def _and_more(cause: Cause) -> str:
    counts = Counter(one.level for one in cause.outcomes[1:])
    more = [f"{counts[level]} {level}" for level in ("MUST", "SHOULD", "MAY") if counts[level]]
    return f"  and {', '.join(more)} more" if more else ""


def _print_brief(console: Console, found: list[Cause]) -> None:
    for cause in found[:BRIEF]:
        outcome = cause.lead
        more = f" +{len(cause.outcomes) - 1}" if len(cause.outcomes) > 1 else ""
        expected = f"expected {outcome.expected}; seen: " if outcome.expected else ""
        seen = " ".join(f"{expected}{outcome.seen or outcome.message}".split())
        line = Text.assemble(_headline(outcome, more), f"  {seen}")
        console.print(line, no_wrap=True, overflow="ellipsis")
    if len(found) > BRIEF:
        rules = sum(len(cause.outcomes) for cause in found[BRIEF:])
        _line(console, f"and {len(found) - BRIEF} other causes, which break {rules} rules", "dim")
    if found:
        hint = "each rule with its request: --verbose, or the pages of --report-dir"
        _line(console, hint, "dim")
        console.print()


def _print_known(console: Console, report: Report) -> None:
    for outcome in report.outcomes:
        if outcome.baseline is not None:
            reason = " ".join(outcome.baseline.split())
            console.print(Text.assemble(_headline(outcome), f"  {reason}"), soft_wrap=True)


def _print_late(console: Console, report: Report) -> None:
    late = [one for one in report.outcomes if one.message.startswith(TOO_SLOW)]
    if late:
        rules = "1 rule" if len(late) == 1 else f"{len(late)} rules"
        _line(console, f"inconclusive for {rules}: {late[0].message}", "cyan")


def _table(report: Report) -> Table:
    table = Table(box=None, header_style="dim")
    table.add_column("group")
    for verdict in STYLES:
        table.add_column(verdict.value, justify="right")
    for group, outcomes in report.groups().items():
        counts = Counter(outcome.verdict for outcome in outcomes)
        cells = [
            Text(str(counts[verdict]), style) if counts[verdict] else Text("·", "dim")
            for verdict, style in STYLES.items()
        ]
        table.add_row(Text(group), *cells)
    return table
