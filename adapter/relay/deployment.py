"""A body for a deployment: the model that the path of an Azure client names."""

import orjson

from adapter.exchange import Exchange
from adapter.relay.body import fields_in, renamed


def deployed(exchange: Exchange, body: bytes, deployment: str) -> bytes:
    """The body with the deployment as its model, whatever model it names, as Azure does.

    Every other byte stays as it was.

    Raises:
        BadRequestError: it is no JSON object, or a form that names another model or none.
    """
    if not body:
        return body
    fields = fields_in(exchange, body)
    if fields.get("model") == deployment:
        return body
    if "model" in fields or not body.lstrip().startswith(b"{"):
        return renamed(body, fields, deployment)
    start = body.index(b"{") + 1
    model = b'"model":' + orjson.dumps(deployment) + (b"," if fields else b"")
    return body[:start] + model + body[start:]
