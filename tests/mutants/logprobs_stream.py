"""Defects of the `logprobs` of streamed chats."""

from typing import Any

from tests.mutants.families import CHAT, drops_in_chunks, edits_calls, ignores, puts_in_chunks
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant

CONTENT = "choices.*.logprobs.content"


def _streams(call: Call) -> bool:
    return call.param("stream") is True


def _cut(entries: list[Any] | None) -> Any:
    """Each entry has the first letter of its token only."""
    return [{**one, "token": one["token"][:1], "bytes": None} for one in entries or []]


MUTANTS = (
    Mutant(
        "logprobs-stream-unasked",
        "every stream has logprobs",
        edits_calls(lambda body: body.update(logprobs=True), CHAT, _streams),
        ("logprobs.stream.absent",),
    ),
    Mutant(
        "logprobs-stream-ignored",
        "a stream ignores logprobs",
        ignores("logprobs", "top_logprobs", when=_streams),
        ("logprobs.stream.content",),
    ),
    Mutant(
        "logprobs-stream-cut",
        "streamed tokens are cut",
        puts_in_chunks(CONTENT, _cut),
        ("logprobs.stream.content", "logprobs.stream.same"),
    ),
    *(
        Mutant(
            f"logprobs-stream-no-{key}",
            f"streamed entries have no {key}",
            drops_in_chunks(f"{CONTENT}.*.{key}"),
            ("logprobs.stream.entry",),
        )
        for key in ("token", "logprob", "bytes", "top_logprobs")
    ),
    Mutant(
        "logprobs-stream-differs",
        "streamed logprobs are those of another temperature",
        puts_in_chunks(f"{CONTENT}.*.logprob", lambda value: value * 3),
        ("logprobs.stream.same",),
    ),
)
