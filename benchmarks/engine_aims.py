"""What the engine is to reach beside the others, and what it reached in a run."""

from dataclasses import dataclass

from report import Report

DECODE, PREFILL, HTTP = "decode tokens/s at {}", "prefill tokens/s of 1,000", "HTTP tokens/s at {}"
HTTP_DECODE = "HTTP decode tokens/s at 1"
READY, RSS = "HTTP ready s", "HTTP peak RSS MB"


@dataclass(frozen=True)
class Aim:
    """A cell of ours: at least `wanted` times another, or with no other at most `wanted`.

    Of two columns of one engine, `vllm` and `vllm-auto`, the better one counts.
    """

    measure: str
    ours: str
    wanted: float
    other: str | None = None
    other_measure: str | None = None

    @property
    def words(self) -> str:
        """What is compared."""
        if self.other is None:
            return f"{self.measure}: {self.ours}"
        of = f" ({self.other_measure})" if self.other_measure else ""
        return f"{self.measure}: {self.ours} / {self.other}{of}"

    def reached(self, report: Report) -> float | None:
        """The ratio of the medians, or the median."""
        ours = report.middle(self.measure, self.ours)
        if self.other is None or ours is None:
            return ours
        measure = self.other_measure or self.measure
        names = (self.other, f"{self.other}-auto")
        others = [value for name in names if (value := report.middle(measure, name))]
        return ours / max(others) if others else None

    def met(self, value: float) -> bool:
        """Whether a value is enough."""
        return value <= self.wanted if self.other is None else value >= self.wanted


AIMS = (
    Aim(DECODE.format(1), "ours", 1.5, "llamacpp"),
    Aim(DECODE.format(1), "ours", 1.7, "vllm"),
    Aim(DECODE.format(1), "ours", 0.75, "floor"),
    Aim(DECODE.format(1), "int8", 2.0, "llamacpp-q8"),
    Aim(DECODE.format(8), "ours", 1.1, "vllm"),
    Aim(DECODE.format(32), "ours", 1.0, "vllm"),
    Aim(PREFILL, "ours", 1.0, "vllm"),
    Aim(HTTP.format(8), "ours", 1.6, "vllm"),
    Aim(HTTP.format(8), "ours", 2.3, "batching"),
    Aim(HTTP.format(32), "ours", 1.4, "vllm"),
    Aim(HTTP_DECODE, "ours", 0.9, "ours", DECODE.format(1)),
    Aim(DECODE.format(1), "portable", 1.0, "generate"),
    Aim(DECODE.format(8), "portable", 1.0, "generate"),
    Aim(DECODE.format(32), "portable", 1.0, "generate"),
    Aim(PREFILL, "portable", 1.0, "generate"),
    Aim(READY, "ours", 5.0),
    Aim(RSS, "ours", 1300.0),
)


def rows(report: Report) -> list[list[str]]:
    """Aim, wanted, reached, for those whose cells were measured."""
    found = [["aim", "wanted", "reached"]]
    for aim in AIMS:
        value = aim.reached(report)
        if value is not None:
            sign = "≤" if aim.other is None else "≥"
            verdict = "" if aim.met(value) else ", missed"
            found.append([aim.words, f"{sign} {aim.wanted:,g}", f"{value:,.2f}{verdict}"])
    return found


def text(report: Report) -> str:
    """The aims in columns."""
    table = rows(report)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
    return "\n".join(lines) + "\n" if table[1:] else ""


def markdown(report: Report) -> str:
    """The aims as a Markdown table."""
    table = rows(report)
    lines = [f"| {' | '.join(row)} |" for row in table]
    lines.insert(1, "|---|---|---|")
    return "\n".join(["", *lines]) + "\n" if table[1:] else ""
