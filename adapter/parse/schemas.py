"""Whether a client's JSON schema is one."""

from collections.abc import Mapping, ValuesView
from typing import Any, cast
from urllib.parse import unquote

from backends.protocol.errors import BadRequestError

MAX_NODES = 20_000
MAX_DEPTH = 100


def require_schema(schema: Mapping[str, Any], param: str) -> None:
    """Refuse what is no JSON schema, or one too large to work with.

    Raises:
        BadRequestError: it names the keyword that is wrong.
    """
    if not schema:
        return
    _bound(schema, param)
    import jsonschema_rs  # noqa: PLC0415 - costs every start what only some requests need

    try:
        jsonschema_rs.meta.validate(dict(schema))
    except jsonschema_rs.ValidationError as error:
        where = ".".join(str(part) for part in error.instance_path)
        raise _invalid(param, f"{where}: {error.message}" if where else error.message) from None
    except (jsonschema_rs.ReferencingError, ValueError) as failure:
        raise _invalid(param, str(failure).splitlines()[0]) from None


def _bound(schema: Mapping[str, Any], param: str) -> None:
    """Walk without recursion: the depth is the client's."""
    nodes, waiting = 0, [(cast("Any", schema), 1)]
    while waiting:
        node, depth = waiting.pop()
        nodes += 1
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise BadRequestError(
                f"Invalid '{param}': the schema has more than {MAX_NODES} values"
                f" or is nested more than {MAX_DEPTH} deep.",
                param=param,
                code="invalid_schema",
            )
        if isinstance(node, dict):
            _require_target(schema, node.get("$ref"), param)
            node = node.values()
        if isinstance(node, list | ValuesView):
            waiting += [(child, depth + 1) for child in node]


def _require_target(schema: Mapping[str, Any], reference: object, param: str) -> None:
    """Refuse a reference to a place in the schema that is not there."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return
    target: Any = schema
    for step in unquote(reference).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(target, list) and name.isdecimal() and int(name) < len(target):
            target = target[int(name)]
        elif isinstance(target, dict) and name in target:
            target = target[name]
        else:
            raise _invalid(param, f"'$ref' points at nothing: '{reference[:100]}'")


def _invalid(param: str, reason: str) -> BadRequestError:
    return BadRequestError(
        f"Invalid '{param}': {reason[:300]}.", param=param, code="invalid_schema"
    )
