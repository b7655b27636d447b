"""What a text must be, and what cleaning keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import TextError
from models.text import MAX_CHARACTERS, check_text, clean_text, is_prose


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "blank"),
        (" \u2003\u200b\n", "blank"),
        ("a" * (MAX_CHARACTERS + 1), "too_long"),
        ("We agree\x00.", "nul"),
        ("We agree \ud83d.", "lone_surrogate"),
        (7, "wrong_type"),
        (None, "wrong_type"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_name(text: object, code: str) -> None:
    """Each kind of bad text has a code of its own."""
    with pytest.raises(TextError) as caught:
        check_text(text)
    assert caught.value.code == code


def test_a_text_of_exactly_the_limit_is_taken() -> None:
    """The limit itself is allowed, and one over it names the limit."""
    assert check_text("a" * MAX_CHARACTERS) == "a" * MAX_CHARACTERS
    with pytest.raises(TextError, match="4001 characters; the limit is 4000"):
        check_text("a" * (MAX_CHARACTERS + 1))


@given(st.text())
def test_cleaning_keeps_every_offset(text: str) -> None:
    """One character stands for one character, so offsets hold in the text as sent."""
    cleaned = clean_text(text)
    assert len(text) == len(cleaned)
    assert all(after in (before, " ") for before, after in zip(text, cleaned, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We regret the delay.", True),
        ("Мы приветствуем переговоры.", True),
        ("12.5 % | 33 | 2021-04-30", False),
        ("{}[]();;==", False),
        ("Yes", False),
    ],
)
def test_prose_has_words(text: str, *, expected: bool) -> None:
    """Tables, code and single words are no prose."""
    assert is_prose(text) is expected
