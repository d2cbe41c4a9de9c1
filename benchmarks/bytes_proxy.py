"""The limit for a gateway in Python: FastAPI and one aiohttp session, nothing read or checked."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

UPSTREAM = os.environ["UPSTREAM"]
HEADERS = {"Authorization": "Bearer sk-upstream", "Content-Type": "application/json"}


@asynccontextmanager
async def session(app: FastAPI) -> AsyncIterator[None]:
    """One session with the upstream, as long as the app lives."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as app.state.session:
        yield


app = FastAPI(lifespan=session, openapi_url=None)


@app.get("/health")
async def health() -> Response:
    """An empty 200."""
    return Response()


@app.post("/v1/chat/completions")
async def chat(request: Request) -> Response:
    """The upstream's bytes."""
    opened: aiohttp.ClientSession = request.app.state.session
    answer = await opened.post(
        UPSTREAM + "/v1/chat/completions", data=await request.body(), headers=HEADERS
    )
    if answer.content_type == "text/event-stream":
        return StreamingResponse(_pieces(answer), answer.status, media_type=answer.content_type)
    async with answer:
        return Response(await answer.read(), answer.status, media_type=answer.content_type)


async def _pieces(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async with answer:
        async for piece in answer.content.iter_any():
            yield piece
