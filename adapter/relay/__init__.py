"""Handing an exchange on to a backend that relays: bytes in, bytes out.

What is read on the way is the model's name, for the allow-list, and the usage, for the metrics.
"""

from adapter.relay.answer import relay, upload
from adapter.relay.body import (
    PASSTHROUGH,
    fields_in,
    is_form,
    model_of,
    names_model,
    renamed,
    without_provider,
)
from adapter.relay.deployment import deployed
from adapter.relay.request import note_hops, passes, relay_request

__all__ = [
    "PASSTHROUGH",
    "deployed",
    "fields_in",
    "is_form",
    "model_of",
    "names_model",
    "note_hops",
    "passes",
    "relay",
    "relay_request",
    "renamed",
    "upload",
    "without_provider",
]
