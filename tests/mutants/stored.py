"""Defects of stored chat completions."""

from functools import partial

from tests.mutants.families import answers, refuses
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant

ROUTES = {
    "get": ("GET", 3),
    "update": ("POST", 3),
    "delete": ("DELETE", 3),
    "messages": ("GET", 4),
    "list": ("GET", 2),
}


def _is(name: str, call: Call) -> bool:
    method, depth = ROUTES[name]
    parts = call.path.strip("/").split("/")
    return parts[:2] == ["chat", "completions"] and (call.method, len(parts)) == (method, depth)


MUTANTS = (
    *(
        Mutant(
            f"stored-{name}-500",
            f"{name} of a stored completion is an error of the server",
            refuses(partial(_is, name), 500),
            (f"stored.{name}",),
        )
        for name in ROUTES
    ),
    *(
        Mutant(
            f"stored-{name}-detail",
            f"{name} is a 404 without an error body, though an unknown path has one",
            refuses(partial(_is, name), 404, {"detail": "Not Found"}),
            (f"stored.{name}",),
        )
        for name in ROUTES
    ),
    Mutant(
        "stored-found",
        "any stored completion is found",
        answers(404, 200, lambda call: _is("get", call)),
        ("stored.get",),
    ),
)
