"""Lines in, statements out: plain text or JSONL, from a file or stdin, in a stream of any length."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from models.errors import TextError

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Row:
    """
    One line of input.

    Attributes:
        id: its own id, or the line's number where it had none.
        text: what stood as its text; a fault of the line where it could not be read.
    """

    id: str
    text: object


def read_rows(lines: Iterable[bytes], *, is_jsonl: bool) -> Iterator[Row]:
    """Read each line that is not blank; a line that cannot be read keeps its place, with its fault as text."""
    for number, line in enumerate(lines, start=1):
        content = (line.removeprefix(_BOM) if number == 1 else line).rstrip(b"\r\n")
        if not content.strip():
            continue
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            yield Row(str(number), TextError("not_utf8", f"line {number} is not UTF-8 at byte {error.start}"))
            continue
        yield _parse_object(text, number) if is_jsonl else Row(str(number), text)


def _parse_object(line: str, number: int) -> Row:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return Row(str(number), TextError("not_json", f"line {number} is not JSON"))
    if not isinstance(content, dict) or "text" not in content:
        return Row(str(number), TextError("no_text", f"line {number} is not an object with a text"))
    name = content.get("id")
    return Row(str(number) if name is None else str(name), content["text"])
