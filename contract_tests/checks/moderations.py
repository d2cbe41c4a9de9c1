"""`POST /moderations`: what the answer looks like, and which inputs it takes."""

from typing import Any

from contract_tests.check import MUST, SHOULD, check
from contract_tests.expect import at, cooperate, expect
from contract_tests.probes import refused
from contract_tests.samples import IMAGE, MODERATIONS
from contract_tests.server import SENTENCE, Server
from contract_tests.sources import doc, sdk, spec
from contract_tests.verdict import Unsupported

NEEDS = ("moderations",)
THREAT = "I will kill you tonight."
TEXTS = [SENTENCE, THREAT, "Beat two eggs into the flour."]
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
MAY_BE_NULL = ("illicit", "illicit/violent")  # older models do not know them
ANSWER = "CreateModerationResponse"
RESULT = f"{ANSWER}/properties/results/items"
INPUT = "CreateModerationRequest/properties/input"


def _body(server: Server, input: Any = SENTENCE) -> dict[str, Any]:  # noqa: A002
    return {"model": server.model("moderations"), "input": input}


async def _moderate(server: Server, input: Any = SENTENCE) -> Any:  # noqa: A002
    answer = await server.post(MODERATIONS, _body(server, input), fresh=False)
    expect(answer.status == 200, "200", answer.brief())
    return answer.json


async def _results(server: Server, input: Any = SENTENCE) -> list[dict[str, Any]]:  # noqa: A002
    body = await _moderate(server, input)
    places = range(len(at(body, "results", of=list)))
    return [at(body, "results", place, of=dict) for place in places]


async def _result(server: Server, input: Any = SENTENCE) -> dict[str, Any]:  # noqa: A002
    return at(await _moderate(server, input), "results", 0, of=dict)  # type: ignore[no-any-return]


# --- the shape ---


def _named(key: str) -> Any:
    @check(
        f"moderations.{key}",
        MUST,
        f"The answer has an `{key}`." if key == "id" else f"The answer names its `{key}`.",
        spec(f"{ANSWER}/required"),
        needs=NEEDS,
    )
    async def named(server: Server) -> None:
        value = at(await _moderate(server), key, of=str)
        expect(value, f"`{key}` not to be empty", value)

    return named


answer_id = _named("id")
answer_model = _named("model")


@check(
    "moderations.flagged",
    MUST,
    "Each result says whether it is `flagged`, by a boolean.",
    spec(f"{RESULT}/required"),
    needs=NEEDS,
)
async def flagged(server: Server) -> None:
    at(await _result(server), "flagged", of=bool)


@check(
    "moderations.categories",
    MUST,
    "`categories` has a boolean for each of the 13 categories.",
    spec(f"{RESULT}/properties/categories/required"),
    needs=NEEDS,
    clients="typed SDKs read every category",
)
async def categories(server: Server) -> None:
    found = at(await _result(server), "categories", of=dict)
    for name in CATEGORIES:
        if at(found, name) is not None or name not in MAY_BE_NULL:
            at(found, name, of=bool)


@check(
    "moderations.scores",
    MUST,
    "`category_scores` has a number for each of the 13 categories.",
    spec(f"{RESULT}/properties/category_scores/required"),
    needs=NEEDS,
    clients="typed SDKs read every category",
)
async def scores(server: Server) -> None:
    found = at(await _result(server), "category_scores", of=dict)
    for name in CATEGORIES:
        _score(found, name)


def _score(found: dict[str, Any], name: str) -> float:
    score = at(found, name)
    number = isinstance(score, int | float) and not isinstance(score, bool)
    expect(number, f"a number for {name}", score)
    return score  # type: ignore[no-any-return]


@check(
    "moderations.applied",
    MUST,
    "`category_applied_input_types` tells for each of the 13 categories what was looked at.",
    spec(f"{RESULT}/properties/category_applied_input_types/required"),
    needs=NEEDS,
)
async def applied(server: Server) -> None:
    found = at(await _result(server), "category_applied_input_types", of=dict)
    for name in CATEGORIES:
        types = at(found, name, of=list)
        expect(all(one == "text" for one in types), f'only "text" for {name}', types)


# --- what it says ---


@check(
    "moderations.scores.range",
    SHOULD,
    "Every score is between 0 and 1.",
    doc(f"{RESULT}/properties/category_scores"),
    sdk("types/moderation.py"),
    needs=NEEDS,
    clients="thresholds of clients are between 0 and 1",
)
async def score_range(server: Server) -> None:
    for text in (SENTENCE, THREAT):
        found = at(await _result(server, text), "category_scores", of=dict)
        for name in found:
            expect(0 <= _score(found, name) <= 1, f"a score from 0 to 1 for {name}", found[name])


@check(
    "moderations.flagged.consistent",
    MUST,
    "A result is flagged exactly if one of its categories is.",
    doc(f"{RESULT}/properties/flagged"),
    needs=NEEDS,
    clients="those that look at `flagged` alone let through what a category names",
)
async def consistent(server: Server) -> None:
    for text in (SENTENCE, THREAT):
        result = await _result(server, text)
        names = [name for name, value in at(result, "categories", of=dict).items() if value]
        expect(at(result, "flagged", of=bool) == bool(names), f"`flagged` for {names}", result)


# --- inputs ---


def _counts(what: str, rule: str, input: Any, where: str) -> Any:  # noqa: A002
    @check(f"moderations.input.{what}", MUST, rule, doc(where), needs=NEEDS)
    async def counts(server: Server) -> None:
        wanted = len(input) if isinstance(input, list) else 1
        seen = len(await _results(server, input))
        expect(seen == wanted, f"results: {wanted}", f"{seen}")

    return counts


one_text = _counts("text", "One text gets one result.", SENTENCE, f"{INPUT}/oneOf/0")
texts = _counts("texts", "An array of texts gets a result for each.", TEXTS, INPUT)


@check(
    "moderations.input.order",
    MUST,
    "The results stand in the order of the texts.",
    doc(f"{ANSWER}/properties/results"),
    needs=NEEDS,
    clients="all clients pair results by position",
    cooperative=True,
)
async def order(server: Server) -> None:
    alone = [at(await _result(server, text), "flagged", of=bool) for text in TEXTS]
    cooperate(alone == [False, True, False], "the model does not flag the threat alone")
    seen = [at(result, "flagged", of=bool) for result in await _results(server, TEXTS)]
    expect(seen == alone, f"`flagged` of {alone}, as for each text alone", seen)


def _parts(what: str, rule: str, parts: list[dict[str, Any]], where: str) -> Any:
    @check(f"moderations.input.{what}", SHOULD, rule, spec(where), needs=NEEDS)
    async def of_parts(server: Server) -> None:
        answer = await server.post(MODERATIONS, _body(server, parts), fresh=False)
        if refused(answer):
            raise Unsupported(f"the model takes no {what}: {answer.brief()}")
        seen = len(await _results(server, parts))
        expect(seen == 1, "one result for all parts", f"{seen} results")
        result = await _result(server, parts)
        told = isinstance(result.get("category_applied_input_types"), dict)
        cooperate(told, "nothing tells what was looked at: see moderations.applied")
        types = at(result, "category_applied_input_types", of=dict)
        given = {"image" if part["type"] == "image_url" else "text" for part in parts}
        named = {str(one) for kinds in types.values() if isinstance(kinds, list) for one in kinds}
        fits = named <= given and named & {"image"} == given & {"image"}
        expect(fits, f"{sorted(given)} to be named as looked at", types)

    return of_parts


TEXT_PART = {"type": "text", "text": SENTENCE}
text_parts = _parts(
    "parts",
    "An array of text parts is one input.",
    [TEXT_PART],
    f"{INPUT}/oneOf/2/items/oneOf/1",
)
image_parts = _parts(
    "image",
    "A text and an image are one input, and the image is looked at.",
    [TEXT_PART, IMAGE],
    f"{INPUT}/oneOf/2/items/oneOf/0",
)


# --- requests ---


@check(
    "moderations.default_model",
    SHOULD,
    "`model` may be left out.",
    spec("CreateModerationRequest/required"),
    needs=NEEDS,
)
async def default_model(server: Server) -> None:
    answer = await server.post(MODERATIONS, {"input": SENTENCE})
    expect(answer.status == 200, "200", answer.brief())


@check(
    "moderations.input.missing",
    MUST,
    "A request without `input` is refused.",
    spec("CreateModerationRequest/required"),
    needs=NEEDS,
)
async def missing(server: Server) -> None:
    body = {"model": server.model("moderations")}
    await server.refuses(MODERATIONS, body)


@check(
    "moderations.input.number",
    MUST,
    "A number is no input, and is refused.",
    spec(f"{INPUT}/oneOf"),
    needs=NEEDS,
)
async def number(server: Server) -> None:
    await server.refuses(MODERATIONS, _body(server, 7))
