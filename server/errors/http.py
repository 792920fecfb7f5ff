"""Requests that are refused for how they come, before anybody asks what they want."""

from server.errors.base import RequestError


class UnauthorizedError(RequestError):
    """The request lacks the token."""

    code = "unauthorized"
    status = 401
    title = "Token missing or wrong"


class ForbiddenError(RequestError):
    """The request comes from a page that is not ours."""

    code = "forbidden"
    status = 403
    title = "Not allowed"


class BodyTooLargeError(RequestError):
    """The request's body is larger than any honest one."""

    code = "body-too-large"
    status = 413
    title = "Request body too large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the request's body is larger than {limit} bytes")

    def extra(self) -> dict[str, object]:
        return {"limit": self.limit}


class HeadTooLargeError(RequestError):
    """The request's head is larger than any honest one."""

    code = "head-too-large"
    status = 431
    title = "Request head too large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the request's head is larger than {limit} bytes: send fewer cookies")

    def extra(self) -> dict[str, object]:
        return {"limit": self.limit}


class RequestTimeoutError(RequestError):
    """The request's body did not come to its end in time."""

    code = "request-timeout"
    status = 408
    title = "Request took too long"
    retryable = True

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        super().__init__(f"the request's body did not arrive within {timeout_s:g} s; send it again")

    def extra(self) -> dict[str, object]:
        return {"timeout_s": self.timeout_s}


class MediaTypeError(RequestError):
    """The request's body is not JSON."""

    code = "media-type"
    status = 415
    title = "Content type not supported"


class MisdirectedError(RequestError):
    """The request names another host than this server."""

    code = "misdirected"
    status = 421
    title = "Not the host that was asked for"


class TooManyStreamsError(RequestError):
    """All event streams that the server keeps open are taken."""

    code = "too-many-streams"
    status = 503
    title = "Too many streams"
    retryable = True

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"all {limit} event streams are taken; close one, or try again later")

    def extra(self) -> dict[str, object]:
        return {"limit": self.limit}
