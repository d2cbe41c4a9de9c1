"""Defects of what a chat's `logprobs` say."""

from typing import Any

from tests.mutants.families import edits, puts
from tests.mutants.layer import Layer
from tests.mutants.mutant import Mutant

ENTRY = "choices.*.logprobs.content.*"
ALTERNATIVE = f"{ENTRY}.top_logprobs.*"
CONTENT = "choices.*.logprobs.content"


def _of_all(value: Any) -> Layer:
    """Sets the logprob of each entry and of each alternative."""
    entries, alternatives = puts(f"{ENTRY}.logprob", value), puts(f"{ALTERNATIVE}.logprob", value)
    return lambda app: entries(alternatives(app))


def _repeated(entries: list[Any]) -> list[Any]:
    """Each entry has the alternatives of the first one."""
    return [{**entry, "top_logprobs": entries[0]["top_logprobs"]} for entry in entries]


def _shifted(entries: list[Any]) -> list[Any]:
    """Each entry has the alternatives of the one before."""
    before = [entries[-1], *entries[:-1]]
    return [
        {**entry, "top_logprobs": other["top_logprobs"]}
        for entry, other in zip(entries, before, strict=True)
    ]


def _contents(edit: Any) -> Layer:
    return puts(CONTENT, lambda entries: edit(entries) if entries else entries)


def _marked(logprobs: Any) -> None:
    for entry in (logprobs or {}).get("content", []):
        entry["token"], entry["bytes"] = entry["token"].replace(" ", "\u0120"), None


MUTANTS = (
    Mutant(
        "logprob-values-probability",
        "logprobs are probabilities",
        _of_all(lambda value: 2.718281828**value),
        ("logprobs.range", "logprobs.top.sum"),
    ),
    Mutant(
        "logprob-values-positive",
        "logprobs have the wrong sign",
        _of_all(lambda value: -value),
        ("logprobs.range", "logprobs.top.order"),
    ),
    Mutant(
        "logprob-values-low",
        "the chosen token's logprob is far below any",
        puts(f"{ENTRY}.logprob", -1e30),
        ("logprobs.range", "logprobs.top.agrees", "logprobs.greedy"),
    ),
    Mutant(
        "logprob-values-reversed",
        "the likeliest comes last",
        puts(f"{ENTRY}.top_logprobs", lambda top: top[::-1]),
        ("logprobs.top.order",),
    ),
    Mutant(
        "logprob-values-certain",
        "every alternative is certain",
        puts(f"{ALTERNATIVE}.logprob", 0.0),
        ("logprobs.top.sum", "logprobs.top.agrees"),
    ),
    Mutant(
        "logprob-values-second",
        "the chosen token is left out of its alternatives",
        puts(f"{ENTRY}.top_logprobs", lambda top: top[1:]),
        ("logprobs.greedy",),
    ),
    Mutant(
        "logprob-values-repeated",
        "the first token's alternatives are repeated",
        _contents(_repeated),
        ("logprobs.greedy",),
    ),
    Mutant(
        "logprob-values-shifted",
        "each token has the alternatives of the one before",
        _contents(_shifted),
        ("logprobs.greedy",),
    ),
    Mutant(
        "logprob-values-another",
        "the alternatives are computed with another temperature",
        puts(f"{ALTERNATIVE}.logprob", lambda value: value * 1.5),
        ("logprobs.top.agrees",),
    ),
    *(
        Mutant(f"logprob-values-{name}", defect, _contents(edit), kills)
        for name, defect, edit, kills in (
            ("first", "the first token has no entry", lambda all_: all_[1:], ("logprobs.joined",)),
            (
                "twice",
                "every token has two entries",
                lambda all_: [one for one in all_ for _ in (0, 1)],
                ("logprobs.joined", "logprobs.usage"),
            ),
            (
                "few",
                "only the first tokens have entries",
                lambda all_: all_[:2],
                ("logprobs.joined", "logprobs.usage"),
            ),
        )
    ),
    Mutant(
        "logprob-values-marked",
        "tokens are shown as the tokenizer stores them",
        edits(lambda body: _marked(body["choices"][0]["logprobs"])),
        ("logprobs.joined",),
    ),
    Mutant(
        "logprob-values-bytes-trimmed",
        "the bytes lack the leading space",
        puts(f"{ENTRY}.bytes", lambda value: [one for one in value if one != 32]),
        ("logprobs.bytes",),
    ),
    Mutant(
        "logprob-values-bytes-twice",
        "the bytes of alternatives are those of UTF-16",
        puts(f"{ALTERNATIVE}.bytes", lambda value: [byte for one in value for byte in (one, 0)]),
        ("logprobs.bytes",),
    ),
)
