"""The command `batch`: 0 all rows scored, 1 some rejected, 2 not done, with the reason on stderr."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from models.classifier import DEFAULT_FOLDER
from models.errors import DetenteError, TableError
from models.folder import open_folder

if TYPE_CHECKING:
    from serving.batch.order import Order

_KINDS = ("csv", "tsv", "jsonl", "parquet", "feather")
_INTERRUPTED = 130


def add_batch(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    batch = commands.add_parser("batch", help="score tables of any size: CSV, TSV, JSONL, Parquet, Feather")
    add = batch.add_argument
    add("inputs", nargs="+", metavar="IN", help="files, folders, globs, URLs; - is stdin")
    add("-o", "--out", required=True, metavar="OUT", help="file or URL, its format by its suffix; - is stdout")
    add("--text", metavar="COLUMN", help="the column of statements; found where one name is likely")
    add("--format", choices=_KINDS, help="format of the inputs, where their suffixes do not tell")
    add("--encoding", default="utf-8", help="of text formats")
    add("--delimiter", type=_mark, help="between cells of CSV; found in the header")
    add("--quote", type=_quote, default='"', help="around cells of CSV, or none")
    add("--prefix", default="", help="stands before the names of the columns that are added")
    add("--rejects", type=Path, metavar="FILE", help="JSONL of the rows that could not be scored, as read")
    add("--strict", action="store_true", help="stop at the first row that cannot be scored")
    add("--restart", action="store_true", help="begin anew, whatever an earlier run left")
    add("--quiet", action="store_true", help="no progress and no summary")
    add("--workers", type=_count, help="processes, by default one a core")
    add("--part-rows", type=_count, default=256, help="rows written at a time: what a kill costs at most")
    add("--coverage", type=_share, metavar="SHARE", help="of each stance, at most 1 - SHARE wrong and not abstained on")
    add("--report", type=Path, metavar="FILE", help="an HTML page about the output")
    add("--date", metavar="COLUMN", help="dates (ISO 8601) for the report")
    add("--speaker", metavar="COLUMN", help="speakers for the report")
    add("--engine", choices=("local", "ray"), default="local", help="this machine, or Ray Data: Parquet in, shards out")
    add("--address", metavar="ADDRESS", help="of a Ray cluster; without it, Ray runs on this machine")
    add("--model", type=Path, default=DEFAULT_FOLDER, help="another model folder")
    batch.set_defaults(run=_batch)


def _batch(options: argparse.Namespace) -> int:
    try:
        return _run(options)
    except (DetenteError, OSError) as error:
        # A pipe that was closed would complain again when stdout is closed.
        if isinstance(error, BrokenPipeError):
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        is_piped = "-" in {*options.inputs, options.out}
        sys.stderr.write("stopped\n" if is_piped else "stopped; the same command goes on from here\n")
        return _INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    from serving.batch.order import make_plan
    from serving.batch.progress import Progress, show_summary
    from serving.batch.run import run_batch

    if options.engine == "ray":
        return _run_on_ray(options)
    if options.address:
        raise TableError("--address is for --engine ray")
    order = _order(options)
    write_report = _report_writer(options) if options.report else None
    plan = make_plan(order)
    if unknown := [name for name in (options.date, options.speaker) if name and name not in plan.table.columns]:
        raise TableError(f"no column is called {unknown[0]}; the columns are: {', '.join(plan.table.columns)}")
    if plan.identity is None or order.out == "-":
        sys.stderr.write("note: stdin and stdout cannot be taken up again: a stopped run begins anew\n")
    with Progress(is_quiet=options.quiet) as progress:
        summary = run_batch(plan, progress)
    if not options.quiet:
        show_summary(summary, order)
    if write_report:
        write_report(plan.table.text)
    return int(summary.counts.get("rejected", 0) > 0)


def _order(options: argparse.Namespace) -> "Order":
    from serving.batch.order import Order
    from serving.tables.places import Kind

    given = {**vars(options), "workers": options.workers or os.cpu_count() or 1}
    kind = Kind(options.format) if options.format else None
    return Order(kind=kind, **{name: given[name] for name in given.keys() & Order.__slots__})


def _run_on_ray(options: argparse.Namespace) -> int:
    from serving.batch.progress import Progress, show_summary

    given = vars(options)
    if others := [f"--{name}" for name in ("rejects", "strict", "report") if given[name]]:
        raise TableError(f"--engine ray has no {' and no '.join(others)}: the error column has the reasons")
    try:
        from serving.batch.cluster import Cluster, run_on_ray
    except ModuleNotFoundError as error:
        raise TableError(f"--engine ray needs {error.name}: pip install -e '.[cluster]'") from error
    order = _order(options)
    with Progress(is_quiet=options.quiet) as progress:
        summary = run_on_ray(order, Cluster(options.address, options.workers), progress)
    if not options.quiet:
        show_summary(summary, order)
    return int(summary.counts.get("rejected", 0) > 0)


def _report_writer(options: argparse.Namespace) -> Callable[[str], None]:
    """
    Give what writes the page once the output is there.

    Raises:
        TableError: an output that could not be read again, or a library that is missing.
    """
    if options.out == "-" or "://" in options.out:
        raise TableError(f"--report reads the output again, which {options.out} does not allow")
    try:
        from serving.trend.findings import Columns
        from serving.trend.page import write_page
    except ModuleNotFoundError as error:
        raise TableError(f"--report needs {error.name}: pip install -e '.[report]'") from error

    def write(text: str) -> None:
        columns = Columns(text, options.date, options.speaker, options.prefix, options.encoding)
        write_page(Path(options.out), options.report, columns, open_folder(options.model).manifest)

    return write


def _mark(given: str) -> str:
    mark = {"\\t": "\t", "tab": "\t"}.get(given, given)
    if len(mark) != 1 or mark in "\r\n":
        raise argparse.ArgumentTypeError(f"{given!r} is not one character")
    return mark


def _quote(given: str) -> str:
    return "" if given == "none" else _mark(given)


def _share(given: str) -> float:
    try:
        share = float(given)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{given!r} is not a number above 0, at most 1")
    return share


def _count(given: str) -> int:
    if not given.isascii() or not given.isdigit() or int(given) < 1:
        raise argparse.ArgumentTypeError(f"{given!r} is not a number from 1")
    return int(given)
