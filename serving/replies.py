"""JSON answers."""

import json
from http import HTTPStatus

from starlette.responses import Response


def answer_json(content: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Give JSON."""
    # ASCII escapes: an id may hold a lone surrogate, which no UTF-8 can carry.
    body = json.dumps(content, allow_nan=False).encode("ascii")
    return Response(body, status_code=status, media_type="application/json")
