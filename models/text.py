"""The one rule by which a text is checked and cleaned, in training and in serving alike."""

import re
import unicodedata

from models.errors import TextError

MAX_CHARACTERS = 4_000

# Controls, separators and invisible marks become plain spaces. One character for one character,
# so that an offset into the cleaned text is an offset into the text as sent.
_SPACE_LIKE = re.compile(r"[\x00-\x1f\x7f-\x9f\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MIN_LETTER_SHARE = 0.5
_MIN_WORDS = 2


def check_text(text: object, *, max_characters: int = MAX_CHARACTERS) -> str:
    """
    Refuse what cannot be scored and give back what can.

    Raises:
        TextError: not a string, blank, over `max_characters`, a NUL, or a lone surrogate.
    """
    if not isinstance(text, str):
        raise TextError("wrong_type", f"text must be a string, not {type(text).__name__}")
    if len(text) > max_characters:
        detail = f"text has {len(text)} characters; the limit is {max_characters}"
        raise TextError("too_long", detail, max_characters)
    if "\x00" in text:
        raise TextError("nul", f"text has a NUL character at offset {text.index(chr(0))}")
    if found := _SURROGATE.search(text):
        detail = f"text has a lone surrogate U+{ord(found[0]):04X} at offset {found.start()}"
        raise TextError("lone_surrogate", detail)
    if not clean_text(text).strip():
        raise TextError("blank", "text is blank")
    return text


def clean_text(text: str) -> str:
    """Replace each space-like or invisible character by one plain space; lengths stay equal."""
    return _SPACE_LIKE.sub(" ", text)


def is_prose(text: str) -> bool:
    """Claim that a text has at least two words and that letters are most of what it shows."""
    shown = [character for character in text if not character.isspace()]
    letters = sum(unicodedata.category(character)[0] in "LM" for character in shown)
    return letters >= _MIN_LETTER_SHARE * len(shown) and len(re.findall(r"[^\W\d_]+", text)) >= _MIN_WORDS
