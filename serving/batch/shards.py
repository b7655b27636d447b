"""The work of a cluster in shards: spans of rows of Parquet files, each scored into a file of its own."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from models.classifier import StanceClassifier
from models.errors import TextError
from serving.batch.run import count_verdicts
from serving.tables.block import Block
from serving.tables.columnar import Columnar
from serving.tables.columns import Verdict
from serving.tables.places import StoredFile

Scored = tuple[pa.Table, Counter[str]]
# What a worker that dies costs at most: some minutes.
_BLOCKS_A_SHARD = 64


@dataclass(frozen=True, slots=True)
class Shard:
    """
    Rows of one group of one file.

    Attributes:
        number: from 0, in the order of the rows.
        skip: rows of the file before the first one.
    """

    number: int
    file: StoredFile
    skip: int
    rows: int

    @property
    def name(self) -> str:
        """Give the name of the file that it becomes; names sort as numbers do."""
        return f"part-{self.number:07}.parquet"


def cut_shards(files: Sequence[StoredFile], block_rows: int) -> list[Shard]:
    """Cut files into shards, each of so many blocks that lie in one row group."""
    spans = [(file, skip, rows) for file in files for skip, rows in _spans(file, block_rows * _BLOCKS_A_SHARD)]
    return [Shard(number, *span) for number, span in enumerate(spans)]


def _spans(file: StoredFile, limit: int) -> Iterator[tuple[int, int]]:
    metadata = pq.read_metadata(file.path, filesystem=file.fs)
    first = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        for start in range(0, rows, limit):
            yield first + start, min(limit, rows - start)
        first += rows


@dataclass(frozen=True, slots=True)
class ShardFolder:
    """Where shards are written, each under its name only when it is whole."""

    fs: AbstractFileSystem
    path: str

    def done(self) -> set[str]:
        """Name the shards that are there."""
        return {name.rsplit("/", 1)[1] for name in self.fs.glob(f"{self.path}/part-*.parquet")}

    def write(self, name: str, table: pa.Table) -> None:
        """Write a shard."""
        place = f"{self.path}/{name}"
        if not isinstance(self.fs, LocalFileSystem):  # an object appears when it was sent as a whole
            pq.write_table(table, place, filesystem=self.fs, compression="zstd")
            return
        neighbour = f"{place}.{os.getpid()}"
        pq.write_table(table, neighbour, compression="zstd")
        with open(neighbour, "rb") as file:  # noqa: PTH123
            os.fsync(file.fileno())
        os.replace(neighbour, place)  # noqa: PTH105

    def count(self, name: str, prefix: str) -> Counter[str]:
        """Count the rows of a shard by stance, abstained or rejected."""
        columns = [f"{prefix}stance", f"{prefix}abstained"]
        with self.fs.open(f"{self.path}/{name}", "rb") as file:
            stances, abstained = (column.to_pylist() for column in pq.read_table(file, columns=columns).columns)
        found = Counter(stance or "rejected" for stance in stances)
        return found + Counter(abstained=sum(each is not None for each in abstained))


def score_shard(shard: Shard, table: Columnar, classifier: StanceClassifier, block_rows: int) -> Scored:
    """Score a shard; the rows with our columns after their own, and their counts by stance."""
    blocks = table.blocks(shard.file, skip=shard.skip, size=block_rows)
    batches, counts = [], Counter[str]()
    for block in islice(blocks, -(-shard.rows // block_rows)):
        verdicts = _verdicts(block, classifier)
        counts.update(count_verdicts(verdicts))
        batches.append(table.append(block, verdicts))
    return pa.Table.from_batches(batches, table.schema), counts


def _verdicts(block: Block[pa.RecordBatch], classifier: StanceClassifier) -> list[Verdict]:
    good = list(dict.fromkeys(text for text in block.texts if isinstance(text, str)))
    known = dict(zip(good, classifier.classify_each(good), strict=True))
    return [text if isinstance(text, TextError) else known[str(text)] for text in block.texts]
