"""Servers that are odd but right: no check may accuse them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.mutants import odd_bodies, odd_streams
from tests.mutants.families import refuses
from tests.mutants.mutant import Mutant

STREAMS = ("stream", "sse.")


@dataclass(frozen=True)
class Odd(Mutant):
    """A right server with one oddity.

    `touches` are parts of the ids of the checks that can see it; none means all. `warns` are the
    SHOULDs and MAYs that it breaks, each with the reason. One that is `modest` can less than the
    healthy server, and the suite is to find that out.
    """

    kills: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    warns: Mapping[str, str] = field(default_factory=dict)
    modest: bool = False


ODD: tuple[Odd, ...] = (
    *(
        Odd(f"odd-{name}", oddity, layer, touches=STREAMS)
        for name, oddity, layer in (*odd_streams.FRAMES, *odd_streams.DELTAS)
    ),
    Odd(
        "odd-data-lines",
        "the JSON of an event is spread over several data lines",
        odd_streams.DATA_LINES,
        touches=STREAMS,
        warns={"sse.event.line": "legal, but clients that read line by line break"},
    ),
    Odd(
        "odd-text-and-finish",
        "the last text comes with the finish_reason",
        odd_streams.TEXT_AND_FINISH,
        touches=STREAMS,
        warns={"chat.stream.finish.empty": "as vLLM does; a few clients lose that text"},
    ),
    Odd(
        "odd-named-stop",
        'the finish_reason of a named tool is "stop", as at OpenAI',
        odd_bodies.NAMED_STOP,
        touches=("tool",),
    ),
    Odd(
        "odd-types",
        "content types are spelt in another way",
        odd_bodies.TYPES,
        touches=("http.", "errors", "sse.", "chat.stream", "schema"),
    ),
    Odd(
        "odd-headers",
        "header names are in title case",
        odd_bodies.TITLED,
        touches=("http.", "errors", "auth", "sse."),
    ),
    Odd(
        "odd-chunked",
        "no body tells its length",
        odd_bodies.CHUNKED,
        touches=("http.", "errors", "models"),
    ),
    Odd(
        "odd-no-gzip",
        "a body in gzip is refused with 415",
        refuses(lambda call: any(name == b"content-encoding" for name, _ in call.headers), 415),
        touches=("http.request",),
        modest=True,
    ),
    Odd(
        "odd-errors",
        "errors are of another type",
        odd_bodies.ERRORS,
        touches=("errors", "validation", "refus", "unknown", "ranges", "auth", "models"),
    ),
    Odd(
        "odd-422",
        "what is wrong with a request is a 422",
        odd_bodies.UNPROCESSABLE,
        warns={
            "validation.status": "OpenAI's own status is 400, and SDKs tell the two apart",
        },
    ),
    Odd(
        "odd-five-stops",
        "five stop sequences are accepted, and each of them stops",
        odd_bodies.FIVE_STOPS,
        touches=("stop.",),
        warns=dict.fromkeys(
            ("stop.maximum", "completions.stop.maximum"),
            "the schema has four at most, and OpenAI refuses more",
        ),
    ),
    Odd(
        "odd-framework-404",
        "unknown paths and methods get the errors of the framework",
        odd_bodies.FRAMEWORK_404,
        touches=("stored", "errors.unknown_path", "errors.wrong_method"),
        warns={
            "errors.unknown_path": "SDKs print no message",
            "errors.wrong_method": "SDKs print no message",
        },
    ),
    Odd(
        "odd-created-now",
        "a model found by itself was created just now",
        odd_bodies.CREATED_NOW,
        touches=("models",),
    ),
    Odd(
        "odd-custom-unnamed",
        "a tool_choice that names a custom tool is refused",
        odd_bodies.NO_NAMED_CUSTOM,
        touches=("custom",),
        modest=True,
    ),
    Odd(
        "odd-large-number",
        "a number in structured output is larger than a double",
        odd_bodies.LARGE_NUMBER,
        touches=("structured",),
    ),
    Odd("odd-extra", "every object has an unknown key", odd_bodies.EXTRA),
    Odd("odd-printed", "JSON is printed in another way", odd_bodies.PRINTED),
    Odd(
        "odd-sparse",
        "only what the schema requires is there, and ids follow another scheme",
        odd_bodies.SPARSE,
        warns={
            "chat.id.prefix": "the schema asks for a unique text only",
            "completions.id.prefix": "the schema asks for a unique text only",
        },
    ),
    Odd("odd-plain", "only plain text is served", odd_bodies.PLAIN_ONLY, modest=True),
    Odd("odd-chat-only", "only chat and models are served", odd_bodies.CHAT_ONLY, modest=True),
)
