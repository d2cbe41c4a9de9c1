"""Defects of the body of a chat completion."""

from itertools import count
from typing import Any

from tests.mutants.families import drops, puts
from tests.mutants.mutant import Mutant

CHOICE = "choices.0"
REPLIES = count(1)


def _puts(name: str, where: str, value: Any, *kills: str) -> Mutant:
    return Mutant(f"chat-{name}", f"{where} is {value!r}", puts(where, value), kills)


def _drops(where: str, *kills: str) -> Mutant:
    name = where.rpartition(".")[2].replace("_", "-")
    return Mutant(f"chat-no-{name}", f"there is no {where}", drops(where), kills)


MUTANTS = (
    _drops("id", "chat.id.present", "chat.id.prefix"),
    _drops("model", "chat.model.present"),
    _drops("object", "chat.object"),
    _drops("created", "chat.created.integer", "chat.created.now"),
    _drops(f"{CHOICE}.index", "chat.choice.index"),
    _drops(f"{CHOICE}.finish_reason", "chat.choice.finish_reason"),
    _drops(f"{CHOICE}.logprobs", "chat.choice.logprobs"),
    _puts("id-null", "id", None, "chat.id.present"),
    _puts("id-number", "id", 17, "chat.id.present"),
    _puts("id-same", "id", "chatcmpl-123", "chat.id.unique"),
    _puts("id-bare", "id", lambda old: old.removeprefix("chatcmpl-"), "chat.id.prefix"),
    _puts("model-empty", "model", "", "chat.model.present"),
    _puts("model-null", "model", None, "chat.model.present"),
    _puts("object-chunk", "object", "chat.completion.chunk", "chat.object"),
    _puts("created-float", "created", lambda old: old + 0.5, "chat.created.integer"),
    _puts("created-whole-float", "created", float, "chat.created.integer"),
    _puts("created-text", "created", str, "chat.created.integer", "chat.created.now"),
    _puts("created-ms", "created", lambda old: old * 1000, "chat.created.now"),
    _puts("created-zero", "created", 0, "chat.created.now"),
    _puts("fingerprint-number", "system_fingerprint", 7, "chat.system_fingerprint.type"),
    _puts("fingerprint-null", "system_fingerprint", None, "chat.system_fingerprint.null"),
    _puts("tier-standard", "service_tier", "standard", "chat.service_tier"),
    _puts("no-choice", "choices", [], "chat.choice.index"),
    _puts("index-one", f"{CHOICE}.index", 1, "chat.choice.index"),
    Mutant(
        "chat-index-counts",
        "index counts the replies of the server",
        puts(f"{CHOICE}.index", lambda _: next(REPLIES)),
        ("chat.choice.index",),
    ),
    _puts("index-text", f"{CHOICE}.index", "0", "chat.choice.index"),
    *(
        _puts(f"finish-{name}", f"{CHOICE}.finish_reason", value, "chat.choice.finish_reason")
        for name, value in {"null": None, "empty": "", "eos": "eos", "list": ["stop"]}.items()
    ),
    *(
        _puts(f"finish-{value}", f"{CHOICE}.finish_reason", value, "chat.choice.finish_text")
        for value in ("tool_calls", "function_call")
    ),
    _puts("logprobs-list", f"{CHOICE}.logprobs", [], "chat.choice.logprobs"),
)
