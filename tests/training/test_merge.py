"""Labels of one text become one statement; disagreement is counted, and nothing is hidden."""

from datetime import UTC, datetime, timedelta

import pytest

from models.stance import Stance
from training.labels import Label, text_key
from training.merge import merge_labels

NOW = datetime(2026, 11, 25, tzinfo=UTC)
TEXT = "We come if Corfu pays."


def _label(
    who: str, stance: str | None, text: str = TEXT, *, day: int = 0, gold: bool = False, **more: object
) -> Label:
    values = {"condition": None, "confidence": 2, "source": "made", "document": "d", "origin": "made", **more}
    when = NOW + timedelta(days=day)
    return Label(text, Stance(stance) if stance else None, who=who, when=when, is_gold=gold, **values)  # type: ignore[arg-type]


def test_the_majority_decides_and_the_dissenter_is_listed() -> None:
    """Two against one: arguable, and all three are in the provenance."""
    merged = merge_labels([_label("ann", "conditional"), _label("bob", "conditional"), _label("cem", "hostile")])
    (statement,) = merged.statements
    assert (Stance.CONDITIONAL, 1) == (statement.stance, statement.confidence)
    key = text_key(TEXT)
    assert {"ann": "conditional", "bob": "conditional", "cem": "hostile"} == merged.disputed[key]
    assert 3 == len(merged.provenance[key])


def test_a_tie_is_left_to_a_person_and_ground_truth_breaks_it() -> None:
    """Nothing is decided by chance."""
    tie = [_label("ann", "conditional"), _label("bob", "none")]
    merged = merge_labels(tie)
    assert [] == merged.statements
    assert [text_key(TEXT)] == merged.undecided
    decided = merge_labels([*tie, _label("eve", "none", gold=True)])
    assert [(Stance.NONE, 3)] == [(s.stance, s.confidence) for s in decided.statements]


def test_a_change_of_mind_counts_and_case_and_spaces_do_not() -> None:
    """Ann's later label holds; it is no disagreement."""
    again = _label("ann", "hostile", " we  come if CORFU pays.", day=1)
    merged = merge_labels([again, _label("ann", "conditional")])
    assert [Stance.HOSTILE] == [s.stance for s in merged.statements]
    assert {} == merged.disputed


def test_a_condition_marked_alone_joins_the_stance() -> None:
    """As doccano's sequence labelling gives it, beside its text classification."""
    merged = merge_labels([_label("ann", "conditional"), _label("bob", None, condition=(8, 21))])
    assert [(8, 21)] == [s.condition for s in merged.statements]
    assert [text_key(TEXT)] == merge_labels([_label("bob", None, condition=(8, 21))]).undecided


def test_alpha_is_krippendorff_s() -> None:
    """
    Two people, ten texts, eight alike.

    Of 20 values 9 are none and 11 hostile: expected disagreement 2 * 9 * 11 / (20 * 19), observed 0.2.
    """
    first, second = "n" * 5 + "h" * 5, "n" * 4 + "hh" + "h" * 4
    second = second[:9] + "h"
    names = {"n": "none", "h": "hostile"}
    labels = [
        _label(who, names[letter], f"Note number {i} of Corfu.")
        for who, letters in (("ann", first), ("bob", second))
        for i, letter in enumerate(letters)
    ]
    observed = sum(a != b for a, b in zip(first, second, strict=True)) / 10
    n = (first + second).count("n")
    expected = 2 * n * (20 - n) / (20 * 19)
    assert 1 - observed / expected == pytest.approx(merge_labels(labels).alpha)
    assert merge_labels(labels[:10]).alpha is None
