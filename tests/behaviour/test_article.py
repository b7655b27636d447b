"""The article that the project began with, in words of our own: what a reader must see in it."""

import pytest

from models.classifier import StanceClassifier
from models.stance import Answer, Stance

INVITATION = "Russia's president said that his Ukrainian counterpart was welcome in Moscow at any time."
PRECONDITION = (
    "To settle the fighting in the east, he added, Ukraine's leader should first meet the heads of the two "
    "breakaway regions, and only then discuss the matter with third countries."
)
FACTS = (
    "More than 13,000 people have been killed in eastern Ukraine since the fighting broke out in April 2014.",
    "The two presidents have met once, in Paris in December 2019, with the leaders of Germany and France at the table.",
    "The fighting began a few weeks after the annexation of Crimea.",
)


@pytest.fixture(scope="module")
def answers(shipped: StanceClassifier) -> dict[str, Answer]:
    texts = [INVITATION, PRECONDITION, *FACTS]
    return dict(zip(texts, shipped.classify(texts), strict=True))


def test_an_invitation_at_any_time_is_conciliatory(answers: dict[str, Answer]) -> None:
    """An offer with a polite "at any time" carries no price."""
    assert answers[INVITATION].stance == Stance.CONCILIATORY
    assert answers[INVITATION].condition is None


def test_first_and_only_then_is_conditional_and_its_condition_is_marked(answers: dict[str, Answer]) -> None:
    """The price of talks is the meeting with the breakaway regions, and the reader sees it."""
    answer = answers[PRECONDITION]
    assert answer.stance == Stance.CONDITIONAL
    assert answer.condition is not None
    assert "first meet" in answer.condition.text
    assert PRECONDITION[answer.condition.start : answer.condition.end] == answer.condition.text


@pytest.mark.parametrize("fact", FACTS)
def test_facts_express_no_stance(answers: dict[str, Answer], fact: str) -> None:
    """Casualty figures and who met whom are nobody's stance."""
    assert answers[fact].stance == Stance.NONE
