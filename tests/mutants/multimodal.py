"""Defects in what becomes of the images, sounds and files of a chat."""

from collections.abc import Callable
from typing import Any

from tests.mutants.families import CHAT, answers, edits_calls, puts, refuses
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant

Part = dict[str, Any]
TYPES = (("image", "image_url"), ("audio", "input_audio"), ("file", "file"))


def parts_of(body: Any) -> list[Part]:
    """Every part of every message."""
    contents = [message.get("content") for message in body["messages"]]
    return [part for content in contents if isinstance(content, list) for part in content]


def has_part(test: Callable[[Part], bool]) -> Callable[[Call], bool]:
    """Whether a chat request has such a part."""

    def when(call: Call) -> bool:
        body = call.json
        return call.path == CHAT and isinstance(body, dict) and any(map(test, parts_of(body)))

    return when


def drops_parts(test: Callable[[Part], bool]) -> Layer:
    """Drops such parts without a word."""

    def edit(body: Any) -> None:
        for message in body["messages"]:
            if isinstance(message["content"], list):
                message["content"] = [part for part in message["content"] if not test(part)]

    return edits_calls(edit, CHAT)


def _is(kind: str) -> Callable[[Part], bool]:
    return lambda part: part.get("type") == kind


def _drops_after_image(body: Any) -> None:
    for message in body["messages"]:
        if isinstance(message["content"], list):
            types = [part["type"] for part in message["content"]]
            if "image_url" in types:
                del message["content"][types.index("image_url") + 1 :]


def _has_detail(part: Part) -> bool:
    return bool(part.get("image_url", {}).get("detail") == "high")


def _is_mislabelled(part: Part) -> bool:
    return bool(part.get("image_url", {}).get("url", "").startswith("data:image/jpg"))


def _two_images(call: Call) -> bool:
    body = call.json
    return call.path == CHAT and sum(map(_is("image_url"), parts_of(body))) > 1


IMAGE_TOKENS = "usage.prompt_tokens_details.image_tokens"

MUTANTS = (
    *(
        Mutant(
            f"multimodal-{name}-dropped",
            f"parts of type {kind} are dropped without a word",
            drops_parts(_is(kind)),
            (f"multimodal.{name}.not_dropped",),
        )
        for name, kind in TYPES
    ),
    *(
        Mutant(
            f"multimodal-{name}-refused",
            f"parts of type {kind}, declared to be taken, are refused",
            refuses(has_part(_is(kind)), path=CHAT),
            (f"multimodal.{name}.accepted",),
        )
        for name, kind in TYPES
    ),
    *(
        Mutant(
            f"multimodal-{name}-crash",
            f"parts of type {kind} are a 500",
            refuses(has_part(_is(kind)), 500, path=CHAT),
            (f"multimodal.{name}.accepted", f"multimodal.{name}.not_dropped"),
        )
        for name, kind in TYPES
    ),
    *(
        Mutant(
            f"multimodal-{name}-bare-refusal",
            f"parts of type {kind} are refused without an error body",
            refuses(has_part(_is(kind)), body={"detail": "no"}, path=CHAT),
            (f"multimodal.{name}.not_dropped",),
        )
        for name, kind in TYPES
    ),
    Mutant(
        "multimodal-first-image",
        "only the first image is kept",
        edits_calls(_drops_after_image, CHAT),
        ("multimodal.image.several", "multimodal.text.around"),
    ),
    Mutant(
        "multimodal-two-images-crash",
        "two images are a 500",
        refuses(_two_images, 500, path=CHAT),
        ("multimodal.image.several",),
    ),
    Mutant(
        "multimodal-high-refused",
        'detail "high" is refused',
        refuses(has_part(_has_detail), path=CHAT),
        ("multimodal.image.detail",),
    ),
    Mutant(
        "multimodal-label-believed",
        "an image labelled as another type is refused",
        refuses(has_part(_is_mislabelled), path=CHAT),
        ("multimodal.image.label",),
    ),
    Mutant(
        "multimodal-detail-crash",
        "an image is a 503 when it has a detail",
        answers(200, 503, has_part(lambda part: "detail" in part.get("image_url", {}))),
        ("multimodal.image.detail",),
    ),
    *(
        Mutant(
            f"multimodal-image-tokens-{name}",
            f"image_tokens {what}",
            puts(IMAGE_TOKENS, value, CHAT, when),
            ("multimodal.image.usage",),
        )
        for name, what, value, when in (
            ("always", "are counted where there is no image", 16, lambda _: True),
            ("many", "are more than prompt_tokens", 10**6, has_part(_is("image_url"))),
            ("none", "are 0 where there is an image", 0, has_part(_is("image_url"))),
            ("text", "are a text", "16", has_part(_is("image_url"))),
        )
    ),
)
