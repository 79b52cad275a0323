"""What a client is told when a request fails: one of TensorFlow's codes, and words."""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)

# In the order of their numbers, which TensorFlow, gRPC and Abseil share, with what REST answers for each
# (tensorflow_serving/model_servers/http_server.cc).
_HTTP = {
    "OK": 200,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}
CODES = tuple(_HTTP)


class ServingError(Exception):
    """A request that fails.

    >>> error = ServingError("NOT_FOUND", "Could not find any versions of model half")
    >>> error.number, error.http
    (5, 404)

    Args:
        code: one of `CODES`.
        message: what the client reads.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code, self.message = code, message

    @property
    def number(self) -> int:
        """The code as a number."""
        return CODES.index(self.code)

    @property
    def http(self) -> int:
        """The status that REST answers."""
        return _HTTP[self.code]


def invalid(message: str) -> ServingError:
    """What most things are that a client gets wrong."""
    return ServingError("INVALID_ARGUMENT", message)


def as_serving_error(error: BaseException) -> ServingError:
    """Any exception as one for the client: TensorFlow's own words, but never a traceback.

    What is nobody's fault but the server's is logged here, and the client learns only that it happened.
    """
    if isinstance(error, ServingError):
        return error
    from tensorflow.errors import OpError

    if not isinstance(error, OpError):
        logger.error("a request failed", exc_info=error)
        return ServingError("INTERNAL", "Internal error")
    # A Python session adds a Python stack to the message; the error below it has what C++ said.
    below = error
    while isinstance(below.__context__, OpError):
        below = below.__context__
    return ServingError(CODES[error.error_code], str(below.message))
