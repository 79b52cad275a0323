"""REST over HTTP: bodies with limits, threads for the work, and pages for health and Prometheus."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from keras_attn.serving.rest import Rest, error_body

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
_CLOSE = {"Connection": "close"}

_DROPPED = 8  # times the limit that is read of a body which is too large, before the connection is closed


class RestApp:
    """The ASGI application of the REST API.

    Args:
        rest: what answers.
        pool: where it does.
        max_body_bytes: largest body, also after it is unpacked.
        timeout: seconds that a body may take to come in.
        ready: whether each model answers, for /healthz.
        pages: other pages by their path: a function that gives what is answered.
        cors: whether pages of other origins may ask.
    """

    def __init__(
        self,
        rest: Rest,
        pool: Executor,
        *,
        max_body_bytes: int,
        timeout: float,
        ready: Callable[[], bool],
        pages: dict[str, Callable[[], Response]],
        cors: bool = False,
    ):
        self._rest, self._pool, self._most, self._timeout = rest, pool, max_body_bytes, timeout
        self._ready, self._pages = ready, pages
        self._headers = _CORS if cors else {}
        self.draining = False  # from then on each reply is the last one of its connection

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        response = await self._handle(Request(scope, receive))
        await response(scope, receive, send)

    async def _handle(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        method = request.method
        if method == "GET" and path == "/healthz":
            ready = self._ready() and not self.draining
            return self._reply(200 if ready else 503, b'{"ready": %s}' % (b"true" if ready else b"false"))
        if method == "GET" and path in self._pages:
            return self._pages[path]()
        if not path.lower().startswith("/v1/"):
            return self._reply(404, error_body("Not Found"))
        if method == "OPTIONS" and self._headers:
            return self._reply(200, b"")
        began = time.monotonic()
        try:
            body = await asyncio.wait_for(self._body(request), self._timeout)
        except _TooLargeError as error:
            return self._reply(413, error_body(str(error)), _CLOSE)
        except TimeoutError:
            return self._reply(408, error_body("The body of the request did not come in time"), _CLOSE)
        except zlib.error:
            return self._reply(400, error_body("The body of the request is not gzip, as its Content-Encoding says"))
        except ClientDisconnect:
            return Response(status_code=499)
        loop = asyncio.get_running_loop()
        try:
            return self._reply(*await loop.run_in_executor(self._pool, self._rest.answer, method, path, body, began))
        except asyncio.CancelledError:  # the server ends, and waits no longer
            return self._reply(503, error_body("The server is shutting down"), _CLOSE)

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
        extra = _CLOSE if self.draining else {}
        return Response(body, status, {**self._headers, **extra, **(headers or {})}, "application/json")

    async def _body(self, request: Request) -> bytes:
        unpack = zlib.decompressobj(31) if request.headers.get("content-encoding") == "gzip" else None
        length = request.headers.get("content-length", "")
        large, body, dropped = length.isdigit() and int(length) > self._most, bytearray(), 0
        async for chunk in request.stream():
            if large:  # a client that finds the connection closed while it sends never sees the answer
                dropped += len(chunk)
                if dropped > _DROPPED * self._most:
                    break
                continue
            body += unpack.decompress(chunk, self._most + 1 - len(body)) if unpack else chunk
            large = len(body) > self._most
        if large:
            raise _TooLargeError(self._most)
        return bytes(body)


class _TooLargeError(Exception):
    def __init__(self, most: int):
        super().__init__(f"The body of the request is larger than {most} bytes (--max_body_bytes)")
