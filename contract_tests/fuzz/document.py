"""The OpenAPI document that is fuzzed: our own, or one that was given."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

JSON = dict[str, Any]
SCHEMAS = {"chat": "Chat", "completions": "Completion", "embeddings": "Embedding"}


def own_document(models: Mapping[str, str]) -> JSON:
    """Our document, with the operations of which a model is known, and its name filled in."""
    text = files("contract_tests.fuzz").joinpath("document.yaml").read_text()
    document: JSON = yaml.safe_load(text)
    schemas = document["components"]["schemas"]
    for kind, name in {**SCHEMAS, "moderations": "Moderation"}.items():
        path = "/chat/completions" if kind == "chat" else f"/{kind}"
        if kind in models:
            # A moderation may leave its model to the server.
            left = [None] if kind == "moderations" else []
            schemas[name]["properties"]["model"] = {"enum": [models[kind], *left]}
        else:
            del document["paths"][path], schemas[name]
    return document


def read_document(path: Path) -> JSON:
    """The OpenAPI document in that file, JSON or YAML.

    Raises:
        ValueError: the file is no OpenAPI document.
    """
    try:
        text = path.read_text()
        document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        if "openapi" in document and "paths" in document:
            return dict(document)
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error
    raise ValueError(f"{path} is no OpenAPI document")


def base_of(document: JSON, url: str) -> str:
    """The URL below which the document's paths lie, for a server whose base URL is `url`."""
    own = any(path.startswith("/v1/") for path in document["paths"])
    return url.removesuffix("/v1") if own else url
