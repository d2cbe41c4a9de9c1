"""Defects of `POST /moderations`."""

from typing import Any

from contract_tests.checks.moderations import CATEGORIES, TEXTS, THREAT
from tests.mutants.families import answers, drops, edits, edits_calls, puts, refuses
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant

MODERATIONS = "/moderations"
RESULT = "results.*"
MAPS = (
    ("categories", "moderations.categories", 0.2),
    ("category_scores", "moderations.scores", "0.2"),
    ("category_applied_input_types", "moderations.applied", "text"),
)


def _is_batch(call: Call) -> bool:
    return bool(call.param("input") == TEXTS)


def _is_threat(call: Call) -> bool:
    return bool(call.param("input") == THREAT)


def _is_parts(call: Call) -> bool:
    given = call.param("input")
    return isinstance(given, list) and isinstance(given[0], dict)


def _has_image(call: Call) -> bool:
    return _is_parts(call) and len(call.param("input")) > 1


def _drops_images(body: Any) -> None:
    body["input"] = [part for part in body["input"] if part["type"] == "text"]


def _splits(body: Any) -> None:
    body["results"] = body["results"] * 2


MUTANTS = (
    *(
        Mutant(
            f"moderations-no-{key}",
            f"the answer has no {key}",
            drops(key, MODERATIONS),
            (f"moderations.{key}",),
        )
        for key in ("id", "model")
    ),
    Mutant(
        "moderations-id-null",
        "the id is null",
        puts("id", None, MODERATIONS),
        ("moderations.id",),
    ),
    Mutant(
        "moderations-no-results",
        "there are no results",
        puts("results", [], MODERATIONS),
        ("moderations.flagged", "moderations.input.text", "moderations.input.texts"),
    ),
    Mutant(
        "moderations-flagged-text",
        'flagged is "false"',
        puts(f"{RESULT}.flagged", "false", MODERATIONS),
        ("moderations.flagged",),
    ),
    Mutant(
        "moderations-no-flagged",
        "results have no flagged",
        drops(f"{RESULT}.flagged", MODERATIONS),
        ("moderations.flagged",),
    ),
    *(
        Mutant(
            f"moderations-no-{key.replace('_', '-')}",
            f"results have no {key}",
            drops(f"{RESULT}.{key}", MODERATIONS),
            (check,),
        )
        for key, check, _ in MAPS
    ),
    *(
        Mutant(
            f"moderations-{key.replace('_', '-')}-no-{name.replace('/', '-')}",
            f"{key} has no {name}",
            drops(f"{RESULT}.{key}.{name}", MODERATIONS),
            (check,),
        )
        for key, check, _ in MAPS
        for name in CATEGORIES
    ),
    *(
        Mutant(
            f"moderations-{key.replace('_', '-')}-type",
            f"a value of {key} is {value!r}",
            puts(f"{RESULT}.{key}.violence", value, MODERATIONS),
            (check,),
        )
        for key, check, value in MAPS
    ),
    Mutant(
        "moderations-applied-image",
        "an image is said to have been looked at where there was none",
        puts(f"{RESULT}.category_applied_input_types.*", ["text", "image"], MODERATIONS),
        ("moderations.applied", "moderations.input.parts"),
    ),
    Mutant(
        "moderations-percent",
        "scores are in percent",
        puts(f"{RESULT}.category_scores.*", lambda score: score * 100, MODERATIONS),
        ("moderations.scores.range",),
    ),
    Mutant(
        "moderations-negative",
        "a score is negative",
        puts(f"{RESULT}.category_scores.hate", -0.1, MODERATIONS),
        ("moderations.scores.range",),
    ),
    Mutant(
        "moderations-never-flagged",
        "flagged is always false",
        puts(f"{RESULT}.flagged", False, MODERATIONS, _is_threat),
        ("moderations.flagged.consistent",),
    ),
    Mutant(
        "moderations-always-flagged",
        "flagged is always true",
        puts(f"{RESULT}.flagged", True, MODERATIONS),
        ("moderations.flagged.consistent",),
    ),
    Mutant(
        "moderations-results-doubled",
        "a text gets two results",
        edits(_splits, MODERATIONS),
        ("moderations.input.text", "moderations.input.texts", "moderations.input.parts"),
    ),
    Mutant(
        "moderations-first-text",
        "only the first of several texts is judged",
        puts("results", lambda results: results[:1], MODERATIONS, _is_batch),
        ("moderations.input.texts", "moderations.input.order"),
    ),
    Mutant(
        "moderations-shuffled",
        "the results are in another order",
        puts("results", lambda results: [*results[1:], results[0]], MODERATIONS, _is_batch),
        ("moderations.input.order",),
    ),
    Mutant(
        "moderations-image-dropped",
        "an image is dropped without a word",
        edits_calls(_drops_images, MODERATIONS, _has_image),
        ("moderations.input.image",),
    ),
    Mutant(
        "moderations-parts-crash",
        "parts are a 500",
        refuses(_is_parts, 500, path=MODERATIONS),
        ("moderations.input.parts", "moderations.input.image"),
    ),
    Mutant(
        "moderations-model-required",
        "the model may not be left out",
        refuses(lambda call: call.param("model") is None, path=MODERATIONS),
        ("moderations.default_model",),
    ),
    Mutant(
        "moderations-no-input",
        "a missing input is an empty one",
        edits_calls(lambda body: {"input": "", **body}, MODERATIONS),
        ("moderations.input.missing",),
    ),
    Mutant(
        "moderations-number",
        "a number is judged as its digits",
        edits_calls(lambda body: {**body, "input": "7"}, MODERATIONS),
        ("moderations.input.number",),
    ),
    Mutant(
        "moderations-refusals-500",
        "what is wrong in a request is a 500",
        answers(400, 500, lambda call: call.path == MODERATIONS),
        ("moderations.input.missing", "moderations.input.number"),
    ),
)
