"""Images, sounds and files in the messages of a chat: taken, counted, or refused."""

from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.expect import at, expect
from contract_tests.probes import refused
from contract_tests.reading import choice_of, message_of, tokens_of, usage_of
from contract_tests.samples import AUDIO, CHAT, IMAGE, TEXT_FILE, data_uri, png
from contract_tests.server import SENTENCE, Server, refusal
from contract_tests.sources import doc, issue, live, peer, spec
from contract_tests.verdict import Unsupported

PART = "ChatCompletionRequestMessageContentPart"
USER = "ChatCompletionRequestUserMessage/properties/content/oneOf/1"
IMAGES = ("chat.image",)
NOT_TAKEN = (400, 404, 415, 422, 501)  # what a server may say that does not take such a part
BLUE = data_uri("image/png", png(64, 64, (30, 30, 200)))
Part = dict[str, Any]


def image(url: str, **extra: str) -> Part:
    """The part for the image at that URL."""
    return {"type": "image_url", "image_url": {"url": url, **extra}}


def user(*parts: Part) -> list[dict[str, Any]]:
    """A user's message of our sentence and those parts."""
    return [{"role": "user", "content": [{"type": "text", "text": SENTENCE}, *parts]}]


async def _tokens(server: Server, *parts: Part) -> int:
    return tokens_of(await (server.chat(user(*parts)) if parts else server.chat()))


# --- taken, or refused; never dropped ---


def _accepted(what: str, part: Part, *sources: Any) -> Any:
    @check(
        f"multimodal.{what}.accepted",
        MUST,
        f"A message with a part of type `{part['type']}` is answered.",
        *sources,
        needs=(f"chat.{what}",),
    )
    async def accepted(server: Server) -> None:
        message_of(choice_of(await server.chat(user(part))))

    return accepted


image_accepted = _accepted(
    "image", IMAGE, spec(f"{PART}Image"), peer("llama.cpp", "test_vision_chat_completion")
)
audio_accepted = _accepted("audio", AUDIO, spec(f"{PART}Audio"))
file_accepted = _accepted("file", TEXT_FILE, spec(f"{PART}File"))


def _kept(what: str, part: Part, *sources: Any, clients: str = "") -> Any:
    @check(
        f"multimodal.{what}.not_dropped",
        SHOULD,
        f"A part of type `{part['type']}` is counted in `prompt_tokens`, or refused with a 4xx.",
        *sources,
        needs=("chat",),
        clients=clients,
    )
    async def kept(server: Server) -> None:
        answer = await server.post(CHAT, server.chat_body(user(part)), fresh=False)
        if not answer.ok:
            refusal(answer, NOT_TAKEN)
            return
        without, seen = await _tokens(server), await _tokens(server, part)
        expect(seen > without, f"more than the {without} tokens of the text alone", f"{seen}")

    return kept


image_kept = _kept(
    "image",
    IMAGE,
    doc("CompletionUsage/properties/prompt_tokens"),
    issue("lmstudio-ai/lmstudio-bug-tracker#1752", "vllm-project/vllm#28123", "antirez/ds4#950"),
    clients="vision clients get answers about a picture that the model never saw",
)
audio_kept = _kept("audio", AUDIO, doc("CompletionUsage/properties/prompt_tokens"))
file_kept = _kept("file", TEXT_FILE, doc("CompletionUsage/properties/prompt_tokens"))


# --- images ---


@check(
    "multimodal.image.several",
    SHOULD,
    "Each of several images is counted.",
    spec(f"{USER}/items"),
    needs=IMAGES,
)
async def several(server: Server) -> None:
    both = user(IMAGE, image(BLUE))
    answer = await server.post(CHAT, server.chat_body(both), fresh=False)
    if refused(answer):
        raise Unsupported(f"one image is the most: {answer.brief()}")
    one, two = await _tokens(server, IMAGE), await _tokens(server, IMAGE, image(BLUE))
    expect(two > one, f"more than the {one} tokens of one image", f"{two}")


@check(
    "multimodal.image.detail",
    MUST,
    "`detail` may be auto, low or high.",
    spec(f"{PART}Image/properties/image_url/properties/detail/enum"),
    needs=IMAGES,
)
async def detail(server: Server) -> None:
    for value in ("auto", "low", "high"):
        await server.chat(user(image(IMAGE["image_url"]["url"], detail=value)))


@check(
    "multimodal.image.label",
    SHOULD,
    "An image is known by its bytes: one whose data URL says `image/jpg` or another type is taken.",
    live("a data URL's media type is not held against its bytes"),
    issue(
        *("mealie-recipes/mealie#5898", "NousResearch/hermes-agent#55432"),
        *("home-assistant/core#167208", "BoundaryML/baml#1292"),
    ),
    needs=IMAGES,
    clients="those that make the type of a file's name: `.jpg`, or a JPEG saved as `.png`",
)
async def label(server: Server) -> None:
    mislabelled = image(data_uri("image/jpg", png(64, 64, (200, 30, 30))))
    message_of(choice_of(await server.chat(user(mislabelled))))


@check(
    "multimodal.image.usage",
    SHOULD,
    "`image_tokens`, where they are told, are within `prompt_tokens`, and 0 without an image.",
    doc("CompletionUsage/properties/prompt_tokens_details/properties/image_tokens"),
    needs=IMAGES,
)
async def image_usage(server: Server) -> None:
    for body, has_image in ((await server.chat(user(IMAGE)), True), (await server.chat(), False)):
        usage = usage_of(body)
        details = usage.get("prompt_tokens_details")
        told = details.get("image_tokens") if isinstance(details, dict) else None
        if told is None:
            continue
        tokens = at(usage, "prompt_tokens_details", "image_tokens", of=int)
        most = tokens_of(body) if has_image else 0
        expect(has_image <= tokens <= most, f"{int(has_image)} to {most} image tokens", usage)


@check(
    "multimodal.text.around",
    SHOULD,
    "The text after an image is read too.",
    spec(f"{USER}/items"),
    needs=IMAGES,
    clients="those that ask about a picture after showing it",
)
async def around(server: Server) -> None:
    after = {"type": "text", "text": "Then name three rivers of Europe and three of Asia."}
    without, seen = await _tokens(server, IMAGE), await _tokens(server, IMAGE, after)
    expect(seen > without, f"more than the {without} tokens without that text", f"{seen}")
