"""The spellings of a path that mean the same: extra slashes, and the paths of Azure's clients."""

import re
from urllib.parse import quote, unquote

from starlette.types import Scope

_SLASHES = re.compile(r"/{2,}")
# What follows is a model's id, which may hold any slashes.
_MODEL = re.compile(r"(/+(?:openai/+)?(?:v1/+)?models)/+([^/].*)")
_AZURE = re.compile(r"/openai(?:/v1)?(?=/|$)")
# A deployment's name may hold slashes, encoded or not; what may be asked of it is known.
_DEPLOYMENT = re.compile(
    r"/(?:openai/)?(?:v1/)?deployments/(.+?)"
    r"/((?:chat/)?completions|embeddings|(?:audio|images)/[a-z]+)"
)


def is_plain(path: str) -> bool:
    """Whether a path cannot be a spelling of another."""
    return not (path[-1:] == "/" or "//" in path or path[:7] == "/openai" or "deployments/" in path)


def simplify(scope: Scope) -> str | None:
    """Give the request the path that the operations have; the deployment that it named, if any.

    Decided on the path as it was sent, where a slash in a name differs from one between names.
    Source: https://learn.microsoft.com/azure/ai-services/openai/reference
    """
    raw: str = scope.get("raw_path", b"").decode("latin-1")
    if unquote(raw) != scope["path"]:
        raw = quote(scope["path"])
    if found := _MODEL.fullmatch(raw):
        raw = f"{_SLASHES.sub('/', found[1])}/{found[2].rstrip('/')}"
    else:
        raw = _SLASHES.sub("/", raw.rstrip("/")) or "/"
    deployment = None
    if found := _DEPLOYMENT.fullmatch(raw):
        deployment, raw = unquote(found[1]), f"/v1/{found[2]}"
    azure = _AZURE.sub("/v1", raw, count=1) if raw.startswith("/openai") else raw
    if deployment is not None or azure != raw:
        scope["query_string"] = _without_version(scope["query_string"])
    scope["path"], scope["raw_path"] = unquote(azure), azure.encode("latin-1")
    return deployment


def _without_version(query: bytes) -> bytes:
    """The query without `api-version`, which says how Azure itself is to answer."""
    return b"&".join(one for one in query.split(b"&") if not one.startswith(b"api-version="))
