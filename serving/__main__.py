"""The commands of serving: classify, batch, trend, serve, key, feedback, model."""

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
from serving.commands import add_commands
from serving.record import answer_record
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
    serve = commands.add_parser("serve", help="start the service that configs/serve.toml, or STANCE_CONFIG, describes")
    serve.set_defaults(run=_serve)
    key = commands.add_parser("key", help="make a key; its holder gets the first line, the keys file the second")
    key.add_argument("name", help="who holds it")
    key.add_argument("--scopes", default="classify", help="classify, feedback:write, feedback:read, metrics, admin")
    key.set_defaults(run=_key)
    add_commands(commands)
    return parser


def _classify(options: argparse.Namespace) -> int:
    classifier = StanceClassifier.load(options.model)
    with _open_rows(options.statements) as rows:
        answered = _answer(classifier, rows)
        return _print_json(answered) if options.json else _print_table(answered)


def _serve(_: argparse.Namespace) -> int:
    from serving.launch import serve

    serve()


def _key(options: argparse.Namespace) -> int:
    from serving.launch import new_key

    secret, key = new_key(options.name, options.scopes)
    print(secret)
    print(key.as_line())
    return 0


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
