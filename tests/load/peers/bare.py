"""The least that the same engine needs: read a body, answer each statement, no limits, no keys, no queue."""

import json

from starlette.types import Receive, Scope, Send

from models.classifier import StanceClassifier
from serving.record import answer_record

_classifier = StanceClassifier.load()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request, on the loop itself."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    texts = [item["text"] for item in json.loads(body)["statements"]] if body else []
    answers = [answer_record(None, answer) for answer in _classifier.classify(texts)]
    content = json.dumps({"answers": answers}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
