"""uvicorn in a thread, and an end to it that loses no request."""

from __future__ import annotations

import asyncio
import select
import socket
import threading
import time

import uvicorn

from keras_attn.errors import UserError
from keras_attn.serving.rest_app import RestApp

try:
    from uvloop import run as _run  # a faster loop, where there is one: not on Windows
except ImportError:
    from asyncio import run as _run  # type: ignore[assignment]  # its other options are not used

_LAME_DUCK = 1.0  # seconds that idle connections stay open, as their next request may be under way


class RestServer:
    """Listen for REST.

    Args:
        app: what answers.
        host, port: where.

    Raises:
        UserError: somebody else listens there, or there is no such address.
    """

    def __init__(self, app: RestApp, host: str, port: int):
        self._app, self._socket = app, _listen(host, port)
        # Without limits of its own: the body has one, and a concurrent request waits for a thread.
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            backlog=2048,
            server_header=False,
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: _run(self._serve()), name="rest")

    def start(self) -> None:
        """Accept connections; returns at once."""
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Accept nothing more, answer what has come, and return.

        Args:
            grace: seconds that what has come may take.
        """
        if self._loop is not None and self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._drain(min(grace, _LAME_DUCK)), self._loop).result()
        self._server.config.timeout_graceful_shutdown = max(1, int(grace))
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._socket])

    async def _drain(self, lame_duck: float) -> None:
        """Close the listener, and wait until the clients have left or the time is over.

        Who has connected is accepted first: closing resets those whom nobody has accepted, with all they have sent.
        Only then are clients told that their connections end, as they would come back at once.
        """
        until, empty = time.monotonic() + lame_duck, 0
        while time.monotonic() < until:
            empty = 0 if select.select([self._socket], [], [], 0)[0] else empty + 1
            if empty == 2:  # in one round the loop accepts, in the next it begins to read
                break
            await asyncio.sleep(0)
        for server in getattr(self._server, "servers", ()):
            server.close()
        self._app.draining = True
        until = time.monotonic() + lame_duck
        await asyncio.sleep(0.01)
        while self._server.server_state.connections and time.monotonic() < until:
            await asyncio.sleep(0.01)


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise UserError(f"--rest_api_port: cannot listen on {host}:{port} ({error.strerror})") from error
    # asyncio does this to sockets of its own only. Without it the body of a reply, which is written after its head,
    # waits 40 ms for the client's acknowledgment.
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found
