"""All mutants behind one port: each is a server of its own below `/<id>/v1`."""

import asyncio
import threading
from collections.abc import Iterable

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from adapter.connection import Connection
from contract_tests.check import Check
from contract_tests.result import Result
from contract_tests.runner import judge, prepare
from contract_tests.target import Target
from tests.mutants.mutant import Mutant
from tests.mutants.references import REFERENCES
from tests.server import free_port


class Zoo:
    """Serves the healthy references and their mutants from a thread."""

    def __init__(self, mutants: Iterable[Mutant]) -> None:
        self.references = {mutant.id: mutant.reference for mutant in mutants}
        self.references |= {name: name for name in REFERENCES}
        healthy = {name: reference.app() for name, reference in REFERENCES.items()}
        self._apps: dict[str, ASGIApp] = dict(healthy)
        for mutant in mutants:
            self._apps[mutant.id] = mutant.layer(healthy[mutant.reference])
        self.port = free_port()
        config = uvicorn.Config(
            self._dispatch,
            port=self.port,
            interface="asgi3",
            http=Connection,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> "Zoo":
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        name, _, rest = scope["path"].removeprefix("/").partition("/")
        raw = scope["raw_path"].partition(b"/" + name.encode())[2]
        await self._apps[name]({**scope, "path": f"/{rest}", "raw_path": raw}, receive, send)

    def target(self, name: str) -> Target:
        """The mutant or reference as the suite sees it."""
        url = f"http://127.0.0.1:{self.port}/{name}/v1"
        return REFERENCES[self.references[name]].target(url)

    def judge(self, name: str, checks: Iterable[Check]) -> list[Result]:
        """What those checks say of that server."""

        async def judged() -> list[Result]:
            async with self.target(name) as target:
                wanted = list(checks)
                await prepare(target, wanted)
                return [await judge(target, check) for check in wanted]

        return asyncio.run(judged())
