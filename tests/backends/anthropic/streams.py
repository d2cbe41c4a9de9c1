"""Anthropic's streams, event by event, in the shapes that its documentation shows."""

from typing import Any

Json = dict[str, Any]
USAGE = {"input_tokens": 25, "output_tokens": 1}


def start(usage: Json | None = None) -> Json:
    message: Json = {
        "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-test",
        "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage or USAGE,
    }  # fmt: skip
    return {"type": "message_start", "message": message}


def block(index: int, **content: object) -> Json:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, **change: object) -> Json:
    return {"type": "content_block_delta", "index": index, "delta": change}


def stop(index: int) -> Json:
    return {"type": "content_block_stop", "index": index}


def text(*pieces: str, index: int = 0) -> list[Json]:
    deltas = [delta(index, type="text_delta", text=piece) for piece in pieces]
    return [block(index, type="text", text=""), *deltas, stop(index)]


def thinking(*pieces: str, index: int = 0, signature: str = "c2lnbmF0dXJl") -> list[Json]:
    deltas = [delta(index, type="thinking_delta", thinking=piece) for piece in pieces]
    signed = delta(index, type="signature_delta", signature=signature)
    opening = block(index, type="thinking", thinking="", signature="")
    return [opening, *deltas, signed, stop(index)]


def call(
    *pieces: str, index: int = 0, name: str = "f", call_id: str = "toolu_01", given: object = None
) -> list[Json]:
    deltas = [delta(index, type="input_json_delta", partial_json=piece) for piece in pieces]
    opening = block(index, type="tool_use", id=call_id, name=name, input=given or {})
    return [opening, *deltas, stop(index)]


def end(reason: str = "end_turn", usage: Json | None = None, **more: object) -> list[Json]:
    change = {"stop_reason": reason, "stop_sequence": None, **more}
    counts = usage or {"output_tokens": 15}
    return [{"type": "message_delta", "delta": change, "usage": counts}, {"type": "message_stop"}]


def answer(*content: Json, reason: str = "end_turn") -> list[Json]:
    return [start(), *content, *end(reason)]
