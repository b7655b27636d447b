"""The examples in /openapi.json."""

from http import HTTPStatus
from typing import Any

from serving.problems import RequestFault, fault_of_status

_SUM = "3cfaa7de8531c7892bb6c93979ecc2eb075ee4b6907061a8948df5226bf4ce25"
_STATEMENT = "We will come to the table once the blockade is lifted."
_NAME = {"version": "2026-11-25-train-b55b3cfa", "manifest_sum": _SUM}
_SHARES = {"conciliatory": 0.06, "conditional": 0.9, "hostile": 0.02, "none": 0.02}
REQUEST: dict[str, Any] = {"statements": [{"id": "a", "text": _STATEMENT}, {"id": "b", "text": ""}]}
ANSWER: dict[str, Any] = {
    "answers": [
        {
            "id": "a",
            "stance": "conditional",
            "leaning": "conditional",
            "probabilities": _SHARES,
            "condition": {"start": 26, "end": 53, "text": "once the blockade is lifted"},
            "abstained": None,
            "language": None,
            "truncated": False,
            "error": None,
        },
        {"id": "b", "error": {"code": "blank", "detail": "text is blank", "limit": None}},
    ],
    "model": _NAME,
}
MODEL: dict[str, Any] = {
    **_NAME,
    "trained_on": "2026-11-25",
    "base": "mpnet",
    "labels": {"hostile": "rejects, accuses, threatens or punishes the other side"},
    "languages": ["en"],
    "calibration": {
        "temperature": 1.2,
        "temperature_slope": 0.05,
        "bias": [0.0, 0.1, 0.0, -0.1],
        "uncertain_below": 0.5,
    },
    "coverages": [0.5, 0.99],
    "figures": {"dev": {"macro_f1_four": {"value": 0.77, "low": 0.74, "high": 0.8, "n": 923}}},
    "refused": None,
    "limits": {"statements": 64, "characters": 4000},
}
CORRECTION: dict[str, Any] = {
    "statement": _STATEMENT,
    "given": {"stance": "conciliatory", "manifest_sum": _SUM},
    "stance": "conditional",
    "condition": {"start": 26, "end": 53},
    "speaker": "the foreign ministry",
    "article": {"hash": _SUM, "start": 120, "end": 174},
    "reason": "The talks have a price.",
}
_FAULTS = {
    400: ("statements[0].text is missing", "statements[0].text", None),
    401: ("this key is not known", "Authorization", None),
    403: ("the key desk does not allow metrics", "Authorization", None),
    408: ("the body had not arrived after 3 s", "", 3),
    409: ("this Idempotency-Key came before, with another body", "Idempotency-Key", None),
    413: ("the body is over 4194304 bytes", "", 4_194_304),
    415: ("the body must be application/json", "Content-Type", None),
    422: ("coverage 0.995 is above 0.99, the highest that this model has", "options.coverage", None),
    429: ("96 of this key's statements wait, and 96 may; come back in 2 s", "", 96),
    431: ("path and headers have 20000 bytes; 16384 are taken", "", 16_384),
    503: ("not answered within 20 s", "", 20),
}


def fault_example(status: HTTPStatus) -> dict[str, object]:
    """Give an answer as it comes with this status."""
    if status not in _FAULTS:
        return fault_of_status(status).as_record()
    detail, field, limit = _FAULTS[status]
    return RequestFault(status, detail, field=field, limit=limit).as_record()
