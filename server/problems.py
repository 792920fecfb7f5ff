"""Problem documents: how an error reaches an HTTP client. RFC 9457.

Our own errors say all there is to say themselves. What Litestar raises before a handler runs
(no such route, a body that does not validate) is put into the same words here.
"""

import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from server.errors import (
    BodyTooLargeError,
    RequestTimeoutError,
    ServerError,
    TooManyStreamsError,
    UnauthorizedError,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1

logger = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]


def headers_of(error: ServerError) -> dict[str, str]:
    """Return the headers that HTTP wants with an error."""
    match error:
        case TooManyStreamsError():
            return {"Retry-After": str(RETRY_AFTER_S)}
        case BodyTooLargeError() | RequestTimeoutError():
            return {"Connection": "close"}  # the rest of the body is not waited for
        case UnauthorizedError():
            return {"WWW-Authenticate": "Bearer"}
        case _:
            return {}


def problem(status: int, document: dict[str, object], headers: dict[str, str]) -> Response[bytes]:
    """Answer with a problem document."""
    return Response(
        msgspec.json.encode(document),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **headers},
    )


def our_error(_: AnyRequest, error: ServerError) -> Response[bytes]:
    """Answer for what this server refused, or what failed in it."""
    return problem(error.status, error.problem(), headers_of(error))


def http_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """Answer for what Litestar refused."""
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    detail = error.detail
    if detail == status.phrase:  # it names nothing
        said = {
            HTTPStatus.NOT_FOUND: "there is nothing here; GET /schema lists what there is",
            HTTPStatus.METHOD_NOT_ALLOWED: f"use {headers.get('allow')}, not {request.method}",
        }
        detail = f"{request.url.path}: {said.get(status, detail)}"
    word = re.sub(r"[^a-z]+", "-", status.phrase.lower())
    document: dict[str, object] = {
        "type": f"/errors/{word}",
        "title": status.phrase,
        "status": status.value,
        "detail": "; ".join(_invalid(error)) or detail,
    }
    return problem(status, document, headers)


def unexpected_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Answer for a mistake of ours: the log has the traceback, the client has none of it."""
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return our_error(request, ServerError("an unexpected error; the server's log has the details"))


class _Invalid(msgspec.Struct):
    """One thing that did not validate, as Litestar tells it."""

    message: str
    key: str = ""


def _invalid(error: HTTPException) -> list[str]:
    """Return what did not validate, a phrase for each."""
    try:
        found = msgspec.convert(error.extra, list[_Invalid])
    except msgspec.ValidationError:
        return []
    return [f"{item.key}: {item.message}" if item.key else item.message for item in found]


HANDLERS: dict[int | type[Exception], Callable[[AnyRequest, Any], Response[Any]]] = {
    ServerError: our_error,
    HTTPException: http_error,
    Exception: unexpected_error,
}
