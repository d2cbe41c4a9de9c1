"""Defects of streamed legacy completions."""

import json
from collections.abc import Iterable
from itertools import count
from typing import Any

from tests.mutants.families import (
    When,
    always,
    drops_in_chunks,
    edits_calls,
    edits_chunks,
    edits_each_chunk,
    edits_frames,
    has,
    ignores,
    puts_in_chunks,
    sets_header,
)
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

PATH = "/completions"
DONE = b"data: [DONE]"
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
FINISH = "choices.*.finish_reason"

_ids = count()


def _ends(*frames: bytes) -> Layer:
    """Ends the stream with other frames than `[DONE]`."""

    def edit(old: list[bytes]) -> Iterable[bytes]:
        return [*(frame for frame in old if frame != DONE), *frames]

    return edits_frames(edit, PATH)


def _deltas(chunk: Any) -> None:
    for choice in chunk["choices"]:
        choice["delta"] = {"content": choice.pop("text")}


def _early(chunks: list[Any]) -> list[Any]:
    chunks[0]["choices"][0]["finish_reason"] = chunks[-1]["choices"][0]["finish_reason"]
    chunks[-1]["choices"][0]["finish_reason"] = None
    return chunks


def _goes_on(chunks: list[Any]) -> list[Any]:
    after = json.loads(json.dumps(chunks[-1]))
    after["choices"][0]["finish_reason"] = None
    return [*chunks, after]


def _meters_finish(chunks: list[Any]) -> list[Any]:
    chunks[-2]["usage"] = chunks[-1]["usage"]
    return chunks[:-1]


def _never_finishes_last(chunk: Any) -> None:
    for choice in chunk["choices"]:
        if choice["index"]:
            choice["finish_reason"] = None


def _leaks(call: Call, answer: Answer) -> None:
    stop = call.param("stop")
    if isinstance(stop, str) and answer.is_stream:
        first, rest = answer.body.split(b"\n\n", 1)
        *frames, last, done = rest.split(b"\n\n")[:-1]
        chunk = json.loads(last[6:])
        chunk["choices"][0]["text"] += stop[:2]
        leaked = b"data: " + json.dumps(chunk).encode()
        answer.body = b"".join(frame + b"\n\n" for frame in [first, *frames, leaked, done])


def _prompts(call: Call) -> bool:
    return isinstance(call.param("prompt"), list)


def _first_prompt(body: Any) -> None:
    body["prompt"] = body["prompt"][0]


def _puts(
    name: str, defect: str, where: str, value: Any, *kills: str, when: When = always
) -> Mutant:
    layer = puts_in_chunks(where, value, PATH, when)
    return Mutant(f"completions-stream-{name}", defect, layer, _full(kills))


def _drops(name: str, where: str, *kills: str, when: When = always) -> Mutant:
    layer = drops_in_chunks(where, PATH, when)
    return Mutant(f"completions-stream-no-{name}", f"no {where} in the chunks", layer, _full(kills))


def _edits(name: str, defect: str, layer: Layer, *kills: str) -> Mutant:
    return Mutant(f"completions-stream-{name}", defect, layer, _full(kills))


def _full(kills: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"completions.stream.{name}" for name in kills)


MUTANTS = (
    _edits("ignored", "stream is ignored", ignores("stream", path=PATH), "events", "done"),
    _edits(
        "json",
        "the content type is application/json",
        sets_header("content-type", "application/json", lambda call, answer: answer.is_stream),
        "events",
    ),
    _puts("object", "chunks are a chat's", "object", "chat.completion.chunk", "object"),
    _puts("ids", "every chunk has its own id", "id", lambda old: f"{old}{next(_ids)}", "id"),
    _puts("id-empty", "chunks have an empty id", "id", "", "id"),
    _drops("id", "id", "id"),
    _drops("object", "object", "object"),
    _drops("created", "created", "head"),
    _drops("model", "model", "head"),
    _drops("choices", "choices", "head", "choice"),
    _puts("created", "created is a float", "created", 0.5, "head"),
    _edits("deltas", "chunks have deltas", edits_each_chunk(_deltas, PATH), "choice"),
    _drops("text", "choices.*.text", "choice"),
    _drops("index", "choices.*.index", "choice"),
    _puts("counted", "the index counts chunks", "choices.*.index", lambda _: next(_ids), "index"),
    _edits("no-done", "no [DONE] comes", _ends(), "done"),
    _edits("two-dones", "[DONE] comes twice", _ends(DONE, DONE), "done"),
    _edits("done-lower", "[DONE] is spelt [done]", _ends(b'data: "[done]"'), "done"),
    _edits("done-early", "a chunk follows [DONE]", _ends(DONE, b"data: {}"), "done"),
    _edits(
        "piece-lost",
        "a piece of the text is lost",
        edits_chunks(lambda chunks: chunks[:1] + chunks[2:], PATH),
        "same",
    ),
    _edits(
        "piece-twice",
        "the first piece comes twice",
        edits_chunks(lambda chunks: [chunks[0], *chunks], PATH),
        "same",
    ),
    _puts("stripped", "spaces are lost", "choices.*.text", str.strip, "same"),
    _puts("no-finish", "no finish_reason comes", FINISH, None, "finish"),
    _puts("finishes", "every chunk finishes", FINISH, "stop", "finish", "finish_last"),
    _puts("finish-empty", "it is empty until the end", FINISH, lambda old: old or "", "finish"),
    _puts("finish-eos", "it is eos", FINISH, lambda old: old and "eos", "finish"),
    _edits("finish-early", "it comes first", edits_chunks(_early, PATH), "finish_last"),
    _edits("goes-on", "a chunk follows it", edits_chunks(_goes_on, PATH), "finish_last"),
    _edits(
        "usage-unasked",
        "the last chunk tells the usage unasked",
        edits_chunks(lambda chunks: [*chunks[:-1], {**chunks[-1], "usage": USAGE}], PATH),
        "usage_unasked",
    ),
    _edits(
        "usage-ignored",
        "include_usage is ignored",
        ignores("stream_options", path=PATH),
        "usage_last",
        "usage_null",
    ),
    _edits(
        "usage-with-finish",
        "the usage comes with the finish_reason",
        edits_chunks(_meters_finish, PATH, has("stream_options")),
        "usage_last",
        "usage_null",
    ),
    _puts(
        "usage-everywhere",
        "every chunk tells a usage",
        "usage",
        lambda old: old or USAGE,
        "usage_null",
        when=has("stream_options"),
    ),
    _drops("usage-total", "usage.total_tokens", "usage_last", when=has("stream_options")),
    _edits(
        "usage-no-null",
        "chunks leave out the usage that is null",
        edits_each_chunk(
            lambda chunk: None if chunk.get("usage") else chunk.pop("usage", None), PATH
        ),
        "usage_null",
    ),
    _puts("n-index", "every choice has the index 0", "choices.*.index", 0, "n", "batch"),
    _edits("n-ignored", "n is ignored in a stream", ignores("n", path=PATH), "n"),
    _edits(
        "n-unfinished",
        "the first choice alone finishes",
        edits_each_chunk(_never_finishes_last, PATH),
        "n",
        "batch",
    ),
    _edits(
        "batch-first",
        "the first prompt alone is streamed",
        edits_calls(_first_prompt, PATH, _prompts),
        "batch",
    ),
    _edits(
        "stop-ignored",
        "stop is ignored in a stream",
        ignores("stop", path=PATH, when=has("stream")),
        "stop",
    ),
    _edits("stop-leaks", "the beginning of the stop is streamed", around(after=_leaks), "stop"),
)
