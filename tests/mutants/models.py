"""Defects of the model list."""

from tests.mutants.families import answers, drops, edits, puts, refuses, sets_header
from tests.mutants.layer import Answer, Call, around
from tests.mutants.mutant import Mutant

LIST = "/models"


def _lists(call: Call) -> bool:
    return call.path == LIST


def _retrieves(call: Call) -> bool:
    return call.path.startswith(f"{LIST}/")


def _unretrievable(call: Call) -> Answer | None:
    unknown = {"message": "No such model.", "type": "invalid_request_error", "param": None}
    slash = call.path.count("/") > 2
    return Answer.of(404, {"error": {**unknown, "code": "model_not_found"}}) if slash else None


MUTANTS = (
    Mutant(
        "models-bare-array",
        "the list is the bare array",
        edits(lambda body: body["data"], LIST, _lists),
        ("models.list.shape",),
    ),
    Mutant(
        "models-wrong-object",
        'the list\'s object is "models"',
        puts("object", "models", LIST, _lists),
        ("models.list.shape",),
    ),
    *(
        Mutant(
            f"models-no-{key}",
            f"models have no {key}",
            drops(f"data.*.{key}", LIST, _lists),
            (f"models.model.{key}",),
        )
        for key in ("id", "object", "created", "owned_by")
    ),
    Mutant(
        "models-created-float",
        "created is a float",
        puts("data.*.created", 1735689600.5, LIST, _lists),
        ("models.model.created",),
    ),
    Mutant(
        "models-created-ms",
        "created is in milliseconds",
        puts("data.*.created", 1735689600000, LIST, _lists),
        ("models.model.created_seconds",),
    ),
    *(
        Mutant(
            f"models-head-{status}",
            f"HEAD is a {status}",
            refuses(lambda call: call.method == "HEAD", status),
            ("models.list.head",),
        )
        for status in (404, 405, 501)
    ),
    Mutant(
        "models-head-type",
        "HEAD has the content type of no body",
        sets_header("content-type", "text/plain", lambda call, _: call.method == "HEAD"),
        ("models.list.head",),
    ),
    Mutant(
        "models-twice",
        "every model is listed twice",
        puts("data", lambda data: data * 2, LIST, _lists),
        ("models.list.unique",),
    ),
    Mutant(
        "models-none",
        "the list is empty",
        puts("data", [], LIST, _lists),
        ("models.list.nonempty", "models.list.target"),
    ),
    *(
        Mutant(
            f"models-retrieve-{key}-differs",
            f"{key} of a retrieved model is another",
            puts(key, "another", LIST, _retrieves),
            kills,
        )
        for key, kills in (
            ("id", ("models.retrieve.found",)),
            ("object", ("models.retrieve.same",)),
            ("owned_by", ("models.retrieve.same",)),
        )
    ),
    *(
        Mutant(
            f"models-retrieve-no-{key}",
            f"a retrieved model has no {key}",
            drops(key, LIST, _retrieves),
            ("models.retrieve.found",),
        )
        for key in ("id", "object", "created", "owned_by")
    ),
    Mutant(
        "models-retrieve-none",
        "no model can be retrieved",
        refuses(_retrieves, 404),
        ("models.retrieve.found",),
    ),
    Mutant(
        "models-no-slash",
        "an id with a slash cannot be retrieved",
        around(before=_unretrievable),
        ("models.retrieve.slash", "models.retrieve.found"),
    ),
    Mutant(
        "models-unknown-500",
        "an unknown model is a 500",
        answers(404, 500),
        ("models.retrieve.unknown",),
    ),
    Mutant(
        "models-has-more",
        "the list claims a second page, which is the first again",
        puts("has_more", True, LIST, _lists),
        ("models.list.sdk",),
    ),
)
