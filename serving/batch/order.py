"""What a batch run is asked to do, and the tables that it means."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.conformal import thresholds_for
from models.errors import TableError
from models.folder import open_folder
from serving.batch.journal import Identity, Input
from serving.batch.target import Target
from serving.tables.block import Table, TableOptions
from serving.tables.columnar import Columnar
from serving.tables.columns import OwnColumns
from serving.tables.delimited import Delimited
from serving.tables.jsonl import JsonLines
from serving.tables.places import Kind, Place, Stamp, Stdin, find_places, kind_of

STDOUT = "-"
# So few that the first rows are seen at once.
_STDOUT_PART = 64


@dataclass(frozen=True, slots=True)
class Order:
    """
    A batch run as asked for.

    Attributes:
        out: a file, a URL, or `-` for stdout.
        kind: the inputs' format; None to go by their suffixes.
        text, encoding, delimiter, quote: as in TableOptions.
        prefix: before the names of our columns.
        rejects: a JSONL file for the rows that could not be scored.
        strict: stop at the first row that cannot be scored.
        restart: begin anew, whatever is there.
        workers: processes; part_rows: rows that are scored and written together.
        coverage: as StanceClassifier takes it.
    """

    inputs: Sequence[str]
    out: str
    model: Path
    kind: Kind | None = None
    text: str | None = None
    encoding: str = "utf-8"
    delimiter: str | None = None
    quote: str = '"'
    prefix: str = ""
    rejects: Path | None = None
    strict: bool = False
    restart: bool = False
    workers: int = os.cpu_count() or 1
    part_rows: int = 256
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """
    An order that was found possible.

    Attributes:
        model_sum: SHA-256 of the model's manifest.
        stamps: of each place, before it was first looked at.
        identity: what a run must share with this one to be the same; None where stdin cannot be read again.
    """

    order: Order
    places: Sequence[Place]
    stamps: Sequence[Stamp]
    table: Table[Any]
    model_sum: str
    part_rows: int
    identity: Identity | None

    @property
    def is_from_stdin(self) -> bool:
        """Claim that it reads stdin."""
        return isinstance(self.places[0], Stdin)


def make_plan(order: Order) -> Plan:
    """
    Look at the model and at every input, before anything is scored.

    Raises:
        TableError: inputs that are missing, of several formats or with other columns; an output that
            would not keep them as they are.
        ModelError: the model cannot be used.
        CoverageError: it has no thresholds for the coverage that was asked for.
    """
    apart = [order.rejects] if order.rejects else []
    apart += [] if order.out == STDOUT or Target(order.out).is_remote else [Path(order.out)]
    for path in apart:
        if not path.parent.is_dir():
            raise TableError(f"{path.parent}: no such folder")
        if path.is_dir():
            raise TableError(f"{path} is a folder, not a file to write")
    if len(apart) > len({path.resolve() for path in apart}):
        raise TableError(f"{order.out} cannot hold both the output and the rejects")
    places = find_places(order.inputs, apart=apart)
    stamps = [place.stamp() for place in places]
    folder = open_folder(order.model)
    if order.coverage is not None:
        thresholds_for(order.coverage, folder.manifest.conformal)
    options = _table_options(order, places, OwnColumns(order.prefix, folder.manifest.version))
    table = table_of(places, options)
    rows = min(order.part_rows, _STDOUT_PART) if order.out == STDOUT else order.part_rows
    plan = Plan(order, places, stamps, table, folder.manifest_sum, rows, None)
    return plan if plan.is_from_stdin else replace(plan, identity=_identify(plan, options.kind))


def _table_options(order: Order, places: Sequence[Place], own: OwnColumns) -> TableOptions:
    kinds = {order.kind or kind_of(place.name)[0]: place.name for place in places}
    if None in kinds:
        raise TableError(f"{kinds[None]}: its name does not tell its format: say which with --format")
    kind, *others = (each for each in kinds if each)
    if others:
        raise TableError(f"inputs of several formats: {', '.join(f'{name} ({each})' for each, name in kinds.items())}")
    out_kind, compression = (kind, "") if order.out == STDOUT else kind_of(order.out)
    out_kind = out_kind or kind
    _check_kinds(kind, out_kind, order.out, compression, is_piped=isinstance(places[0], Stdin))
    return TableOptions(kind, out_kind, compression, order.text, order.encoding, order.delimiter, order.quote, own)


def _check_kinds(kind: Kind, out_kind: Kind, out: str, compression: str, *, is_piped: bool) -> None:
    columnar = {Kind.PARQUET, Kind.FEATHER}
    if kind != out_kind and not {kind, out_kind} <= columnar:
        raise TableError(f"{out}: {kind} cannot be written as {out_kind} with every column as it was; write {kind}")
    if kind in columnar and (is_piped or out == STDOUT):
        raise TableError(f"{kind} is no stream: stdin and stdout take csv, tsv and jsonl")
    if kind in columnar and compression:
        raise TableError(f"{out}: {out_kind} is compressed by itself; leave {compression} out")


def table_of(places: Sequence[Place], options: TableOptions) -> Table[Any]:
    """Open tables of the format that the options name."""
    match options.kind:
        case Kind.CSV | Kind.TSV:
            return Delimited(places, options)
        case Kind.JSONL:
            return JsonLines(places, options)
        case Kind.PARQUET | Kind.FEATHER:
            return Columnar(places, options)


def _identify(plan: Plan, kind: Kind) -> Identity:
    order = plan.order
    given = {
        "format": kind,
        "text": plan.table.text,
        "encoding": order.encoding,
        "delimiter": order.delimiter or "found",
        "quote": order.quote or "none",
        "prefix": order.prefix,
        "rejects": str(order.rejects),
        "part-rows": str(order.part_rows),
        "coverage": str(order.coverage),
        "out": order.out,
    }
    stamped = zip(plan.places, plan.stamps, strict=True)
    inputs = tuple(Input(name=place.name, size=stamp.size, changed=stamp.changed) for place, stamp in stamped)
    return Identity(model=plan.model_sum, options=given, inputs=inputs)
