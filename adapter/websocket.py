"""What a WebSocket client is told where no WebSocket is served."""

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from adapter.errors import envelope
from backends.protocol.errors import NotFoundError


class WebSocketRefusal:
    """The last of the routes: an unknown path is a 404 for a WebSocket, too.

    By default it is a 403 without a body, which looks like a wrong key.
    """

    def __init__(self, not_found: ASGIApp) -> None:
        self._not_found = not_found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what no route has taken."""
        if scope["type"] != "websocket":
            await self._not_found(scope, receive, send)
            return
        error = NotFoundError(
            f"No WebSocket is served at {scope['path'][:200]}.", code="unknown_url"
        )
        refusal = Response(envelope(error), error.status, media_type="application/json")
        await WebSocket(scope, receive, send).send_denial_response(refusal)
