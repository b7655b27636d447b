"""Text -> token ids with character offsets, in overlapping windows where a text is long."""

import re
from dataclasses import dataclass

from tokenizers import Tokenizer

from models.text import clean_text

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Window:
    """
    A stretch of a text that the model reads at once.

    Attributes:
        ids: token ids, the tokenizer's own first and last mark included.
        offsets: for each id, start and end in the text in characters; (0, 0) for a mark.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]

    def pieces_a_word(self, text: str) -> float:
        """
        Give how many pieces the tokenizer needs for a word, or a mark between words, of this stretch of `text`.

        Little over 1 in the language of its vocabulary, 2 and more in others.
        """
        pieces = [(start, end) for start, end in self.offsets if start < end]
        if not pieces:
            return 0.0
        return len(pieces) / max(1, len(_WORD.findall(text[pieces[0][0] : pieces[-1][1]])))


def tokenizer_from(content: bytes) -> Tokenizer:
    """Make a tokenizer of a tokenizer.json, with its padding and truncation off: windows are cut here."""
    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def cut_windows(tokenizer: Tokenizer, text: str, *, length: int, overlap: int) -> list[Window]:
    """
    Cut a text into windows of at most `length` ids, each sharing `overlap` tokens with the one before.

    A text that fits is one window, whatever the overlap. The last window is moved back to end with
    the text, so that none is a stump.
    """
    encoding = tokenizer.encode(clean_text(text))
    ids, offsets = encoding.ids, encoding.offsets
    if len(ids) <= length:
        return [Window(ids, offsets)]
    first, last, room = ids[0], ids[-1], length - 2
    inner_ids, inner_offsets = ids[1:-1], offsets[1:-1]
    starts = [*range(0, len(inner_ids) - room, room - overlap), len(inner_ids) - room]
    return [
        Window(
            [first, *inner_ids[start : start + room], last],
            [(0, 0), *inner_offsets[start : start + room], (0, 0)],
        )
        for start in starts
    ]
