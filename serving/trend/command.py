"""The command `trend`: a batch run's output as a table of shares by group and period."""

import argparse
import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from models.errors import DetenteError


def add_trend(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    trend = commands.add_parser("trend", help="stances by speaker and over time, from a batch run's output")
    add = trend.add_argument
    add("out", type=Path, metavar="OUT", help="what `batch` wrote")
    add("--by", metavar="COLUMN", help="a row of figures for each of its values")
    add("--date", default="date", metavar="COLUMN", help="ISO 8601 dates, for --every")
    add("--every", choices=("year", "quarter", "month", "day"), help="a row of figures for each period")
    add("--json", action="store_true", help="JSON instead of CSV")
    add("--prefix", default="", help="as given to `batch`")
    add("--encoding", default="utf-8", help="as given to `batch`")
    trend.set_defaults(run=_trend)


def _trend(options: argparse.Namespace) -> int:
    try:
        from serving.trend.table import Question, records_of, tally_results
        from serving.trend.tally import Every
    except ModuleNotFoundError as error:
        sys.stderr.write(f"error: {error.name} is missing: pip install -e '.[report]'\n")
        return 2
    every = Every(options.every) if options.every else None
    question = Question(options.by, options.date, every, options.prefix, options.encoding)
    try:
        figures, left_out = tally_results(options.out, question)
    except (DetenteError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    for reason, rows in left_out.items():
        sys.stderr.write(f"note: {rows:,} rows left out: {reason}\n")
    _print(records_of(figures), as_json=options.json)
    return 0


def _print(records: Sequence[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(records, indent=1, ensure_ascii=False) + "\n")
        return
    written = io.StringIO()
    writer = csv.DictWriter(written, list(records[0]) if records else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    sys.stdout.write(written.getvalue())
