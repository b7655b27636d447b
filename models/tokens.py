"""Text -> token ids with character offsets, in overlapping windows where a text is long."""

from dataclasses import dataclass

from tokenizers import Tokenizer

from models.text import clean_text


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
