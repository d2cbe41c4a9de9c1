"""The two providers of this folder, to try them on. Usage: python upstream.py [port]."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Providers(BaseHTTPRequestHandler):
    """Acme answers at once, Brook drop by drop; both repeat what they are told."""

    def do_POST(self) -> None:
        """Answer for the provider whose path and key it is."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v2/answer" and self.headers["X-Acme-Key"] == "acme-key":
            self._acme(body)
        elif self.path == "/flow/west/talk" and self.headers["Authorization"] == "Bearer brook-key":
            self._brook(body)
        else:
            self.send_error(401)

    def _acme(self, body: dict[str, Any]) -> None:
        told = [turn["words"] for turn in body["turns"]]
        text = f"You said: {told[-1]}"
        for end in body["limits"].get("until", ()):
            text = text.partition(end)[0]
        said = text.split(" ")
        kept = said[: body["limits"].get("words")]
        why = "done" if kept == said else "limit"
        cost = {"read": len(" ".join(told).split(" ")), "written": len(kept)}
        answer = {"result": {"words": " ".join(kept), "why": why}, "cost": cost}
        self._begin("application/json")
        self.wfile.write(json.dumps(answer).encode())

    def _brook(self, body: dict[str, Any]) -> None:
        said = f"You said: {body['say']}".split(" ")
        kept = said[: body["depth"].get("drops")]
        self._begin("text/event-stream")
        self._event("ripple", {"t": "thinking"})
        for number, word in enumerate(kept):
            self._event("drop", {"t": f" {word}" if number else word})
        why = "sea" if kept == said else "lake"
        drops = {"in": len(body["say"].split(" ")), "out": len(kept)}
        self._event("mouth", {"why": why, "drops": drops})
        self.wfile.write(b"data: [DRY]\n\n")

    def _begin(self, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.end_headers()

    def _event(self, name: str, data: dict[str, Any]) -> None:
        self.wfile.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


port = int(sys.argv[1]) if len(sys.argv) > 1 else 9009
ThreadingHTTPServer(("127.0.0.1", port), Providers).serve_forever()
