"""The outermost layer: limits the headers, gives every answer its security headers and every error its shape."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import perf_counter

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import Metrics
from serving.problems import MEDIA_TYPE, RequestFault, fault_of_status

_CLOSED = "default-src 'none'; frame-ancestors 'none'"
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _CLOSED,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
# A worker takes all connections that arrive while it is awake, and the other none. After so many answers it closes
# one, of which the busier has more; whoever is idler takes it in anew.
_ANSWERS_A_CLOSE = 16
# The routes by which requests are counted; a path of another's choice must not become a label.
_ROUTE = re.compile(r"/v1/(classify|model|feedback)|/(livez|readyz|metrics|openapi\.json|docs|page)|/$")
# What an error keeps of the headers with which it came.
_KEPT = ("allow", "connection", "retry-after", "www-authenticate", "vary")


class Edge:
    """
    Wraps an application.

    Args:
        header_bytes: names and values of a request's headers, and its path, may have this many together.
        is_stopping: claims that connections should not be kept for a next request.
    """

    def __init__(self, app: ASGIApp, *, header_bytes: int, metrics: Metrics, is_stopping: Callable[[], bool]) -> None:
        self._app = app
        self._header_bytes = header_bytes
        self._metrics = metrics
        self._is_stopping = is_stopping
        self._answers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        self._answers += 1
        is_last = self._is_stopping() or self._answers % _ANSWERS_A_CLOSE == 0
        shaped = _Shaped(scope, receive, send, is_last=is_last)
        try:
            await self._answer(scope, receive, shaped)
        finally:
            found = _ROUTE.match(scope["path"])
            route = found[0] if found else "other"
            self._metrics.requests.labels(route, str(shaped.status)).inc()
            self._metrics.seconds.labels(route).observe(perf_counter() - begun)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Not every server gives the path as it came.
        path = scope.get("raw_path") or scope["path"].encode()
        size = len(path) + len(scope["query_string"]) + sum(len(a) + len(b) for a, b in scope["headers"])
        if size > self._header_bytes:
            detail = f"path and headers have {size} bytes; {self._header_bytes} are taken"
            fault = RequestFault(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail, limit=self._header_bytes)
            await fault.as_response()(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Shaped:
    """
    Sends one answer on, with the security headers; an error of another shape is put into ours.

    Attributes:
        status: as it was sent; 0 where the client went before an answer.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, is_last: bool) -> None:
        self.status = 0
        self._scope = scope
        self._receive = receive
        self._send = send
        self._is_last = is_last
        self._is_replaced = False

    async def __call__(self, message: Message) -> None:
        if self._is_replaced:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            if self.status >= HTTPStatus.BAD_REQUEST and headers.get("content-type") != MEDIA_TYPE:
                await self._replace(headers)
                return
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if self._is_last:
                headers["Connection"] = "close"
        await self._send(message)

    async def _replace(self, headers: Mapping[str, str]) -> None:
        self._is_replaced = True
        kept = {name: headers[name] for name in _KEPT if name in headers}
        fresh = _Shaped(self._scope, self._receive, self._send, is_last=self._is_last)
        await fault_of_status(self.status, kept).as_response()(self._scope, self._receive, fresh)
