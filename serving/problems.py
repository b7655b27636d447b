"""The one shape of every error: problem details as in RFC 9457, with field and limit."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from models.errors import DetenteError

MEDIA_TYPE = "application/problem+json"

# What is said where no closer reason is known, or where the reason is nobody else's business.
_DETAILS = {
    HTTPStatus.NOT_FOUND: "nothing stands at this path",
    HTTPStatus.METHOD_NOT_ALLOWED: "this path does not take this method",
    HTTPStatus.INTERNAL_SERVER_ERROR: "the request could not be answered; the fault is the service's",
}


class RequestFault(DetenteError):
    """
    A request is refused as a whole.

    Attributes:
        status: the HTTP status.
        field: where in the body, as `statements[3].id`, or which header; empty for the request itself.
        limit: the number that was passed, where there is one.
        headers: further headers of the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        field: str = "",
        limit: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.limit = limit
        self.headers = dict(headers or {})

    def as_record(self) -> dict[str, object]:
        """Give the body of the answer."""
        return {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
            "field": self.field,
            "limit": self.limit,
        }

    def as_response(self) -> Response:
        """Give the answer."""
        body = json.dumps(self.as_record()).encode("ascii")
        return Response(body, status_code=self.status, media_type=MEDIA_TYPE, headers=self.headers)


def fault_of_status(status: int, headers: Mapping[str, str] | None = None) -> RequestFault:
    """Describe an error of which only the status is known."""
    known = HTTPStatus(status)
    return RequestFault(known, _DETAILS.get(known, known.description or known.phrase), headers=headers)


def answer_fault(_: Request, error: Exception) -> Response:
    """Answer what was raised on the way: a fault of the request, the router's refusal, or our own mistake."""
    if isinstance(error, RequestFault):
        return error.as_response()
    if isinstance(error, HTTPException):
        return fault_of_status(error.status_code, error.headers).as_response()
    return fault_of_status(HTTPStatus.INTERNAL_SERVER_ERROR).as_response()
