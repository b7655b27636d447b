"""A request is taken as a whole or refused as a whole, with field and limit."""

import json

import pytest

from serving.config import read_serve_config
from serving.problems import RequestFault
from serving.schema import parse_request

LIMITS = read_serve_config({}).limits
GOOD = {"text": "We agree."}


def _refused(content: object) -> RequestFault:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(RequestFault) as caught:
        parse_request(body, LIMITS)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    ("content", "field", "detail"),
    [
        (b"{", "", "the body is not JSON"),
        (b"\xff{}", "", "the body is not UTF-8 at byte 0"),
        (b"[" * 100_000, "", "the body is nested over 32 levels deep"),
        ([GOOD], "", "the body: input should be a valid dictionary"),
        ({}, "statements", "statements is missing"),
        ({"statements": None}, "statements", "statements: input should be a valid list, not NoneType"),
        ({"statements": [GOOD], "lang": "en"}, "lang", "lang is not a field of this request"),
        ({"statements": ["We agree."]}, "statements[0]", "statements[0]: input should be a valid dictionary"),
        ({"statements": [GOOD, {"id": "b"}]}, "statements[1].text", "statements[1].text is missing"),
        ({"statements": [{**GOOD, "id": 7}]}, "statements[0].id", "statements[0].id: input should be a valid string"),
        ({"statements": [{**GOOD, "who": "x"}]}, "statements[0].who", "statements[0].who is not a field"),
    ],
)
def test_a_fault_of_the_request_names_its_field(content: object, field: str, detail: str) -> None:
    """The field is a path into the body."""
    fault = _refused(content)
    assert field == fault.field
    assert fault.detail.startswith(detail), fault.detail


@pytest.mark.parametrize("count", [0, 65])
def test_too_few_and_too_many_statements_name_the_limit(count: int) -> None:
    """1 to 64 are taken at once."""
    fault = _refused({"statements": [GOOD] * count})
    assert fault.limit == 64
    assert fault.detail == f"statements holds {count} statements; 1 to 64 are taken at once"
    assert fault.as_record()["title"] == "Bad Request"


def test_the_limit_itself_is_taken_and_texts_pass_as_they_are() -> None:
    """A text of a wrong type, or with a lone surrogate, is its item's fault, not the request's."""
    assert len(parse_request(json.dumps({"statements": [GOOD] * 64}).encode(), LIMITS).statements) == 64
    body = b'{"statements": [{"id": "a", "text": 7}, {"text": "\\ud800"}, {"text": null}]}'
    items = parse_request(body, LIMITS).statements
    assert [("a", 7), (None, "\ud800"), (None, None)] == [(item.id, item.text) for item in items]
