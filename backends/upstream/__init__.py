"""What backends that ask another server share: its pooled connection, retries, errors, events."""

from backends.upstream.client import Upstream
from backends.upstream.events import ServerSentEvent, server_sent_events

__all__ = ["ServerSentEvent", "Upstream", "server_sent_events"]
