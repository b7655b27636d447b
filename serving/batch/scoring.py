"""Blocks of rows -> blocks with verdicts, in order, while the workers are never idle."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from models.errors import TextError
from models.text import check_text
from serving.batch.crew import IN_HAND, Chunk, Crew
from serving.tables.block import Block, Rows
from serving.tables.columns import Verdict

CHUNK_TEXTS = 16
# Two chunks must fit into a pipe's buffer, or both ends could wait for each other.
_CHUNK_CHARACTERS = 16_000


@dataclass(slots=True)
class _Open:
    """A block that is being scored: verdicts by row, and the rows of each text that has none yet."""

    verdicts: list[Verdict | None]
    rows_of: dict[str, list[int]]

    def fill(self, texts: Sequence[str], verdicts: Sequence[Verdict]) -> None:
        for text, verdict in zip(texts, verdicts, strict=True):
            for row in self.rows_of.pop(text):
                self.verdicts[row] = verdict


def blocks_ahead(workers: int, rows: int) -> int:
    """Say how many blocks must be open so that no worker waits while the first is written."""
    return 2 + workers * IN_HAND * CHUNK_TEXTS // rows


def score(blocks: Iterable[Block[Rows]], crew: Crew, *, ahead: int) -> Iterator[tuple[Block[Rows], list[Verdict]]]:
    """
    Score blocks, each text of a block once; at most `ahead` blocks are held at a time.

    The longest texts of a block go first, so that no worker is left with a long one at its end.
    """
    source = enumerate(blocks)
    opened: dict[int, tuple[Block[Rows], _Open]] = {}
    while True:
        while len(opened) < ahead and (following := next(source, None)):
            number, block = following
            opened[number] = block, _hand_in(number, block, crew)
        if not opened:
            return
        number, (block, scored) = next(iter(opened.items()))
        while scored.rows_of:
            for chunk, verdicts in crew.take():
                opened[chunk.block][1].fill(chunk.texts, verdicts)
        del opened[number]
        yield block, [verdict for verdict in scored.verdicts if verdict is not None]


def _hand_in(number: int, block: Block[Rows], crew: Crew) -> _Open:
    verdicts: list[Verdict | None] = [None] * len(block.texts)
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(block.texts):
        try:
            rows_of[_checked(text)].append(row)
        except TextError as error:
            verdicts[row] = error
    for texts in _chunks(sorted(rows_of, key=len, reverse=True)):
        crew.give(Chunk(number, texts))
    return _Open(verdicts, rows_of)


def _checked(text: object) -> str:
    if isinstance(text, TextError):
        raise text
    return check_text(text)


def _chunks(texts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    chunk: list[str] = []
    for text in texts:
        if len(chunk) == CHUNK_TEXTS or (chunk and sum(map(len, chunk)) + len(text) > _CHUNK_CHARACTERS):
            yield tuple(chunk)
            chunk = []
        chunk.append(text)
    if chunk:
        yield tuple(chunk)
