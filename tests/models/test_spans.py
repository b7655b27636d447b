"""The words of the condition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.spans import find_condition, whole_words
from models.stance import Condition

TEXT = "We talk if they withdraw soon."
OFFSETS = [(0, 0), (0, 2), (3, 7), (8, 10), (11, 15), (16, 20), (20, 24), (25, 29), (29, 30), (0, 0)]


def test_the_stretch_with_the_greatest_sum_is_the_condition() -> None:
    """A weak word inside (-0.5) does not tear it: 2 - 0.5 + 3 + 1 beats 3 + 1."""
    logits = np.array([9, -3, -2, 2, -0.5, 3, 1, -2, -4, 9], dtype=np.float32)
    assert Condition(8, 24, "if they withdraw") == find_condition(TEXT, logits, OFFSETS)


def test_no_token_in_favour_means_no_condition() -> None:
    """Empty rather than wrong."""
    assert find_condition(TEXT, np.full(10, -1, dtype=np.float32), OFFSETS) is None


def test_half_a_word_is_widened_to_the_whole() -> None:
    """Only the piece "with" of "withdraw" is in favour."""
    logits = np.array([0, -3, -2, -2, -2, 3, -1, -2, -4, 0], dtype=np.float32)
    assert Condition(16, 24, "withdraw") == find_condition(TEXT, logits, OFFSETS)


@pytest.mark.parametrize(
    ("text", "start", "end", "expected"),
    [
        ("they don't stop", 7, 8, "don't"),
        ("the cease-fire holds", 4, 7, "cease-fire"),
        ("si Kie\u0301v arre\u0302te", 3, 5, "Kie\u0301v"),
        ("🕊️ if they go", 4, 5, "if"),
    ],
)
def test_words_are_whole_with_marks_and_hyphens(text: str, start: int, end: int, expected: str) -> None:
    """Apostrophes, hyphens and combining marks belong to their word."""
    assert expected == whole_words(text, start, end).text


@given(st.text(min_size=1), st.data())
def test_a_condition_always_slices_the_text(text: str, data: st.DataObject) -> None:
    """Whatever the characters, the words are what the offsets cut out."""
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    found = whole_words(text, start, end)
    assert text[found.start : found.end] == found.text
    assert found.start <= start < end <= found.end
