"""One bad item among 64 changes no other answer."""

import json
from collections.abc import Callable, Sequence

import pytest
from starlette.testclient import TestClient

from models.classifier import StanceClassifier
from models.errors import TextError
from serving.record import answer_record
from tests.serving.conftest import MakeClient

BAD: dict[str, object] = {
    "blank": "  ",
    "too_long": "x" * 4001,
    "nul": "We\0agree.",
    "lone_surrogate": "We \ud800 agree.",
    "wrong_type": 7,
}
GOOD = [f"We will answer note {number} once the {number}th prisoner is home." for number in range(64)]
Answers = list[dict[str, object]]


def _check(classify: Callable[[Sequence[object]], Answers], places: Sequence[int]) -> None:
    """Put each bad item into each place, and compare the rest with what stood there without it."""
    alone = classify(GOOD)
    for code, bad in BAD.items():
        for place in places:
            mixed = classify([*GOOD[:place], bad, *GOOD[place + 1 :]])
            assert code == mixed[place]["error"]["code"]  # type: ignore[index]
            assert alone[:place] + alone[place + 1 :] == mixed[:place] + mixed[place + 1 :]


def test_one_bad_item_changes_no_other_answer(make_client: MakeClient, is_long: bool) -> None:  # noqa: FBT001
    """Each kind of bad item, at the first, the last and a middle place; in the long form at every place."""
    client: TestClient = make_client()

    def classify(texts: Sequence[object]) -> Answers:
        body = json.dumps({"statements": [{"text": text} for text in texts]}).encode()
        response = client.post("/v1/classify", content=body, headers={"Content-Type": "application/json"})
        answers: Answers = response.json()["answers"]
        return answers

    _check(classify, range(64) if is_long else (0, 31, 63))


def test_a_scorer_that_fails_as_a_whole_would_be_found(tiny: StanceClassifier) -> None:
    """Negative control: batch inference as it comes, where one bad item is everybody's error."""

    def classify(texts: Sequence[object]) -> Answers:
        try:
            return [answer_record(None, answer) for answer in tiny.classify(texts)]  # type: ignore[arg-type]
        except TextError as error:
            return [answer_record(None, error) for _ in texts]

    with pytest.raises(AssertionError):
        _check(classify, (31,))
