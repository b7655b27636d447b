"""Answers: the contract, whatever the model."""

import copy
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.classifier import Reading, StanceClassifier
from models.errors import TextError
from models.stance import LEANINGS, STANCES, Abstention, Answer, Condition, Stance
from models.tokens import Window

CONDITION = "We will sign the accord only if Varland withdraws its gunboats from the strait."
# About 3,900 characters in which nobody makes a move.
NARRATION = " ".join(
    f"The committee met for its session number {n} on the {n}th of the month in the old customs house."
    for n in range(42)
)


@pytest.fixture(scope="module")
def mixed() -> list[str]:
    """Give forty texts of many lengths."""
    words = (CONDITION + " " + NARRATION[:800]).split()
    draw = random.Random(4)
    return [" ".join(draw.sample(words, draw.randint(2, 60))) for _ in range(40)]


def _is_same(first: Answer, second: Answer) -> bool:
    near = all(abs(first.probabilities[s] - second.probabilities[s]) <= 1e-3 for s in STANCES)
    return near and first.stance == second.stance and first.condition == second.condition


@pytest.mark.parametrize("model", ["tiny", "shipped"])
def test_an_answer_does_not_depend_on_its_neighbours(
    model: str, mixed: list[str], request: pytest.FixtureRequest
) -> None:
    """Shuffled, in batches of 1, 8 and 32: the same label, probabilities within 0.001."""
    classifier: StanceClassifier = request.getfixturevalue(model)
    alone = {text: classifier.classify([text])[0] for text in mixed}
    for size in (8, 32):
        shuffled = random.Random(size).sample(mixed, len(mixed))
        for start in range(0, len(shuffled), size):
            some = shuffled[start : start + size]
            for text, answer in zip(some, classifier.classify(some), strict=True):
                assert _is_same(alone[text], answer), text


def test_an_answer_keeps_the_contract(tiny: StanceClassifier) -> None:
    """Probabilities sum to one; stance and leaning are their most probable; the record is complete and ordered."""
    for answer in tiny.classify([CONDITION, NARRATION[:200]]):
        p = answer.probabilities
        assert sum(p.values()) == pytest.approx(1)
        assert answer.stance == max(STANCES, key=lambda stance: p[stance])
        assert answer.leaning == max(LEANINGS, key=lambda stance: p[stance])
        expected = ["stance", "leaning", "probabilities", "condition", "abstained", "language", "truncated"]
        assert expected == list(answer.as_record())


@pytest.mark.parametrize(
    ("stance", "highest", "shown"),
    [
        (Stance.HOSTILE, 0.9, False),
        (Stance.HOSTILE, 1.1, True),
        (Stance.CONDITIONAL, 0.9, True),
        (Stance.CONDITIONAL, -0.6, False),
        (Stance.CONCILIATORY, 9.0, False),
    ],
)
def test_a_condition_is_shown_where_the_rule_says(
    tiny: StanceClassifier, stance: Stance, highest: float, *, shown: bool
) -> None:
    """With a bias of 0.5 and a floor of 1: threats need a token over the floor, conditional statements do not."""
    classifier = copy.copy(tiny)
    classifier.manifest = tiny.manifest.model_copy(update={"condition_bias": 0.5, "threat_floor": 1.0})
    window = Window([0, 7, 2], [(0, 0), (8, 10), (0, 0)])
    probabilities = np.array([0.7 if one == stance else 0.1 for one in STANCES])
    reading = Reading(window, probabilities, np.array([-9, highest, -9], dtype=np.float32))
    answer = classifier.answer("We sign if they go.", [reading], truncated=False)
    assert answer.stance == stance
    assert answer.condition == (Condition(8, 10, "if") if shown else None)


def test_a_condition_at_the_end_of_four_thousand_characters_is_found(shipped: StanceClassifier) -> None:
    """A long text is not judged by its beginning."""
    text = f"{NARRATION} {CONDITION}"[-4000:]
    assert len(text) > 3900
    answer = shipped.classify([text])[0]
    assert answer.stance == Stance.CONDITIONAL
    assert answer.condition is not None
    assert "only if Varland withdraws" in answer.condition.text
    assert text[answer.condition.start : answer.condition.end] == answer.condition.text
    assert not answer.truncated


def test_text_beyond_the_last_window_is_admitted(shipped: StanceClassifier) -> None:
    """4,000 characters of which each is a token are more than the model reads, and the answer says so."""
    answer = shipped.classify(["和" * 4000])[0]
    assert answer.truncated
    assert answer.abstained in (Abstention.TRUNCATED, Abstention.NOT_PROSE)


def test_what_is_not_prose_is_abstained_on(shipped: StanceClassifier) -> None:
    """A table's row gets an answer, and the reason not to rely on it."""
    assert shipped.classify(["12.5 | 33 | 2021-04-30 | 7.75 %"])[0].abstained == Abstention.NOT_PROSE


def test_a_bad_text_is_named_by_its_position(tiny: StanceClassifier) -> None:
    """`classify` answers all or none; `classify_each` answers the others."""
    texts = [CONDITION, " ", CONDITION]
    with pytest.raises(TextError, match="text 1: text is blank"):
        tiny.classify(texts)
    first, fault, last = tiny.classify_each(texts)
    assert isinstance(fault, TextError)
    assert first == last == tiny.classify([CONDITION])[0]


@settings(max_examples=150, deadline=None)
@given(text=st.text(min_size=1, max_size=200))
def test_any_text_is_answered_or_refused_and_offsets_slice_it(tiny: StanceClassifier, text: str) -> None:
    """Over all of Unicode: no crash, and a condition is what its offsets cut out of the text as sent."""
    answer = tiny.classify_each([text])[0]
    if isinstance(answer, Answer) and answer.condition:
        assert text[answer.condition.start : answer.condition.end] == answer.condition.text
