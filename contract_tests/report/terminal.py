"""The run in a terminal: progress while it lasts, then what is wrong, then a table of groups."""

from collections import Counter
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from contract_tests.report.model import Outcome, Report
from contract_tests.result import Result
from contract_tests.verdict import Verdict

STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.WARN: "yellow",
    Verdict.UNSUPPORTED: "dim",
    Verdict.INCONCLUSIVE: "cyan",
    Verdict.ERROR: "bold magenta",
}


class Watching:
    """Shows each failure as it is found, above a bar; a context around the run."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._counts: Counter[Verdict] = Counter()
        self._progress = Progress(
            TextColumn("checking"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=total)
        self._live = Live(self._progress, console=console, transient=True)

    def __enter__(self) -> "Watching":
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def saw(self, result: Result) -> None:
        """One more check has come to its verdict."""
        self._counts[result.verdict] += 1
        red = self._counts[Verdict.FAIL] + self._counts[Verdict.ERROR]
        state = f"{result.check.group}  [red]{red} failed" if red else result.check.group
        self._progress.update(self._task, advance=1, description=state)
        if result.verdict in {Verdict.FAIL, Verdict.ERROR}:
            self._console.print(_headline(result.verdict, result.check.id))


def print_report(console: Console, report: Report) -> None:
    """What is wrong, rule by rule; then the groups; then one line."""
    for outcome in report.broken():
        console.print(_failure(outcome))
    console.print(_table(report))
    for line in report.stale:
        console.print(Text(f"stale in the baseline: {line} passes now", "bold red"))
    console.print(summary(report))


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


def _headline(verdict: Verdict, name: str) -> Text:
    return Text.assemble((f"{verdict.upper():<5} ", STYLES[verdict]), (name, "bold"))


def _failure(outcome: Outcome) -> Group:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    rows = {
        "rule": f"{outcome.level}: {outcome.rule}",
        "expected": outcome.expected,
        "seen": outcome.seen or outcome.message,
        "source": "; ".join(f"{one.kind} {one.where}" for one in outcome.sources),
        "breaks": outcome.clients,
        "known": outcome.baseline or "",
        "try": outcome.requests[-1].curl if outcome.requests else "",
    }
    for name, value in rows.items():
        if value:
            table.add_row(name, Text(value))
    return Group(_headline(outcome.verdict, outcome.id), Padding(table, (0, 0, 1, 2)))


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
