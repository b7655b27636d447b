"""Turns requests away for which there is no room before their bodies are read: in a flood that is most of the work."""

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.admission import Desk
from serving.problems import RequestFault


class Turnstile:
    """
    Refuses a request to classify of a key that could not have one more statement waiting; else lets it pass.

    Args:
        app: what stands behind the doorkeeper, who leaves the key in `scope["state"]["key"]`.
    """

    def __init__(self, app: ASGIApp, *, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == "/v1/classify" and scope["method"] == "POST":
            try:
                self._desk.admit(scope["state"]["key"].name, 1)
            except RequestFault as fault:
                await fault.as_response()(scope, receive, send)
                return
        await self._app(scope, receive, send)
