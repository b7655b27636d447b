"""The commands of serving: classify, batch, trend."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from models.classifier import DEFAULT_FOLDER, StanceClassifier
from models.errors import DetenteError, TextError
from models.stance import Answer
from serving.batch.command import add_batch
from serving.routes import answer_record
from serving.rows import Row, read_rows
from serving.trend.command import add_trend


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0, or 1 with the reason on stderr."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except DetenteError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving", description="Read statements with a stance model.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    classify = commands.add_parser("classify", help="say how statements stand towards the other side")
    classify.add_argument("statements", nargs="+", metavar="STATEMENT|FILE", help="statements; or one file; - is stdin")
    classify.add_argument("--json", action="store_true", help="JSONL, one answer a line in order, instead of a table")
    classify.add_argument("--model", type=Path, default=DEFAULT_FOLDER, help="another model folder")
    classify.set_defaults(run=_classify)
    add_batch(commands)
    add_trend(commands)
    return parser


def _classify(options: argparse.Namespace) -> int:
    classifier = StanceClassifier.load(options.model)
    with _open_rows(options.statements) as rows:
        answered = _answer(classifier, rows)
        return _print_json(answered) if options.json else _print_table(answered)


@contextmanager
def _open_rows(given: list[str]) -> Iterator[Iterable[Row]]:
    """Take one argument that names a file as that file, `-` as stdin, and all else as statements."""
    if given == ["-"]:
        yield _rows_of(sys.stdin.buffer)
    elif len(given) == 1 and Path(given[0]).is_file():
        with Path(given[0]).open("rb") as file:
            yield _rows_of(file)
    else:
        yield [Row(str(number), text) for number, text in enumerate(given, start=1)]


def _rows_of(lines: Iterable[bytes]) -> Iterator[Row]:
    """Take lines as JSONL where the first one that is not blank opens an object."""
    read: list[bytes] = []
    source = iter(lines)
    for line in source:
        read.append(line)
        if line.strip():
            break

    def all_lines() -> Iterator[bytes]:
        yield from read
        yield from source

    is_jsonl = bool(read) and read[-1].lstrip(b"\xef\xbb\xbf \t").startswith(b"{")
    return read_rows(all_lines(), is_jsonl=is_jsonl)


def _answer(classifier: StanceClassifier, rows: Iterable[Row]) -> Iterator[tuple[Row, Answer | TextError]]:
    for row in rows:
        yield row, row.text if isinstance(row.text, TextError) else classifier.classify_each([row.text])[0]


def _print_json(answered: Iterable[tuple[Row, Answer | TextError]]) -> int:
    failed = False
    for row, answer in answered:
        failed |= isinstance(answer, TextError)
        print(json.dumps(answer_record(row.id, answer)), flush=True)
    return int(failed)


def _print_table(answered: Iterable[tuple[Row, Answer | TextError]]) -> int:
    from serving.table import print_answers

    return int(print_answers(answered))


if __name__ == "__main__":
    sys.exit(main())
