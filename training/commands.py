"""The commands around retraining: labels, suggest, retrain, drift, models, gate-simulation."""

import argparse
import sys
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_commands(commands: Commands) -> None:
    """Add them to a parser."""
    simulate = commands.add_parser("gate-simulation", help="how often the gate promotes models of known difference")
    simulate.add_argument("--rules", type=Path, default=Path("configs/gate.toml"))
    simulate.add_argument("--runs", type=int, default=500)
    simulate.set_defaults(run=_simulate)
    job = commands.add_parser("retrain", help="labels -> a challenger, judged; exit code 0, 1, 3 or 4, see docs")
    job.add_argument("config", type=Path)
    job.add_argument("--dry-run", action="store_true", help="say what would happen, and touch nothing")
    job.add_argument("--from-base", action="store_true", help="start from the base, not from the champion's weights")
    job.set_defaults(run=_retrain)
    drift = commands.add_parser("drift", help="what changed in the texts that come in; exit code 3 on an alarm")
    drift.add_argument("new", type=Path, help="JSONL, also .gz, with text and document")
    drift.add_argument("--known", type=Path, required=True, help="the same, of a time when all was well")
    drift.add_argument("--model", type=Path, default=Path("models/default"))
    drift.add_argument("--most", type=int, default=2000, help="texts to read of each")
    drift.add_argument("--prometheus", type=Path, help="write the figures for the textfile collector")
    drift.set_defaults(run=_drift)
    suggestions = commands.add_parser("suggest", help="which texts of a pool to label next, as JSONL, the best first")
    suggestions.add_argument("pool", type=Path, help="JSONL, also .gz, with text and document")
    suggestions.add_argument("--labels", type=Path, nargs="+", required=True, help="labelled JSONL so far")
    suggestions.add_argument("--model", type=Path, default=Path("models/default"))
    suggestions.add_argument("--base", default="minilm", help="base whose vectors keep near twins apart")
    suggestions.add_argument("--n", type=int, default=100)
    suggestions.add_argument("--most", type=int, default=5000, help="texts of the pool to read")
    suggestions.set_defaults(run=_suggest)
    _add_models(commands)
    labels = commands.add_parser("labels", help="what people labelled, in and out").add_subparsers(required=True)
    check = labels.add_parser("check", help="say what is wrong with files of labels, by row")
    check.add_argument("files", type=Path, nargs="+")
    check.set_defaults(run=_check_labels)
    export = labels.add_parser("export", help="unlabelled texts as tasks, with the model's answers as predictions")
    export.add_argument("pool", type=Path, help="JSONL, also .gz, with text and document")
    export.add_argument("target", type=Path)
    export.add_argument("--tool", choices=("label-studio", "doccano"), default="label-studio")
    export.add_argument("--model", type=Path, default=Path("models/default"))
    export.add_argument("--limit", type=int, default=500)
    export.set_defaults(run=_export_labels)
    apply = labels.add_parser("apply", help="labels by reference, joined with the texts that they name")
    apply.add_argument(
        "tables", type=Path, nargs="+", help="tab-separated: id, sha256_12, stance, confidence, condition"
    )
    apply.add_argument("--to", type=Path, nargs="*", default=[], help="labelled JSONL; what a table labels is replaced")
    apply.add_argument("--texts", type=Path, nargs="*", default=[], help="unlabelled JSONL, also .gz")
    apply.add_argument("--target", type=Path, required=True, help="labelled JSONL to write")
    apply.set_defaults(run=_apply_labels)


def _add_models(commands: Commands) -> None:
    models = commands.add_parser("models", help="versions: list, show, publish, promote, rollback, verify, prune")
    steps = models.add_subparsers(required=True, dest="step")
    for step in ("list", "show", "publish", "promote", "rollback", "verify", "prune", "anchor"):
        one = steps.add_parser(step)
        one.add_argument("--registry", type=Path, default=Path("runs/registry"))
        one.add_argument("--reason", default="by hand", help="for the history")
        if step in ("show", "promote", "anchor"):
            one.add_argument("version")
        if step == "publish":
            one.add_argument("folder", type=Path, help="a model folder to take in, not yet promoted")
        if step == "prune":
            one.add_argument("--keep", type=int, default=3, help="champions before this one to keep")
        one.set_defaults(run=_models)


def _models(options: argparse.Namespace) -> int:
    from training.models_commands import run_step

    lines, code = run_step(options.step, options)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return code


def _retrain(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from training.gather import gather
    from training.retrain import describe_plan, retrain
    from training.retrain_config import read_retrain_config

    config, now = read_retrain_config(options.config), datetime.now(UTC)
    if options.from_base:
        config = config.model_copy(update={"from_base": True})
    outcome, run = retrain(config, now=now, is_dry=options.dry_run)
    if options.dry_run:
        sys.stdout.write(describe_plan(config, gather(config, now=now), run) + "\n")
        return 0
    sys.stdout.write(f"{outcome.name.lower()}: {run / 'report.md'}\n")
    return int(outcome)


def _drift(options: argparse.Namespace) -> int:
    from training.pool_commands import measure_files

    drift, text = measure_files(options.known, options.new, options.model, most=options.most)
    if options.prometheus:
        from training.gather import write_atomically

        write_atomically(options.prometheus, drift.as_prometheus())
    sys.stdout.write(text)
    return 3 if drift.alarm else 0


def _suggest(options: argparse.Namespace) -> int:
    from training.pool_commands import suggest_from

    for line in suggest_from(
        options.pool, options.labels, options.model, base=options.base, n=options.n, most=options.most
    ):
        sys.stdout.write(line + "\n")
    return 0


def _simulate(options: argparse.Namespace) -> int:
    from models.settings import read_settings
    from training.gate import GateRules
    from training.gate_simulation import report

    sys.stdout.write(report(runs=options.runs, rules=read_settings(options.rules, GateRules)))
    return 0


def _check_labels(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from training.labels_in import read_labels
    from training.merge import merge_labels

    reading = read_labels(options.files, now=datetime.now(UTC))
    for fault in reading.faults:
        sys.stdout.write(f"{fault}\n")
    merged = merge_labels(reading.labels)
    read, wrong = _plural(len(reading.labels), "label"), _plural(len(reading.faults), "row")
    decided = _plural(len(merged.statements), "text")
    alpha = "none, too few texts have two labels" if merged.alpha is None else f"{merged.alpha:.3f}"
    for key, votes in merged.disputed.items():
        told = ", ".join(f"{who}: {stance}" for who, stance in votes.items())
        sys.stdout.write(f"disputed: {merged.provenance[key][0].text[:60]!r}: {told}\n")
    sys.stdout.write(
        f"{read} read, {wrong} with a fault; {decided} decided, {len(merged.disputed)} disputed, "
        f"{len(merged.undecided)} undecided; Krippendorff's alpha {alpha}\n"
    )
    return 1 if reading.faults else 0


def _apply_labels(options: argparse.Namespace) -> int:
    import json

    from training.gather import write_atomically
    from training.references import apply_references

    lines = apply_references(options.tables, labelled=options.to, texts=options.texts)
    options.target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(options.target, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return 0


def _export_labels(options: argparse.Namespace) -> int:
    from models.classifier import StanceClassifier
    from training.labels_out import LABEL_STUDIO_CONFIG, write_tasks
    from training.pool import read_pool

    texts = read_pool(options.pool, apart_from=[], files=[])[: options.limit]
    write_tasks(texts, StanceClassifier.load(options.model), options.target, tool=options.tool)
    sys.stdout.write(LABEL_STUDIO_CONFIG if options.tool == "label-studio" else "")
    return 0


def _plural(n: int, noun: str) -> str:
    return f"{n} {noun}" + ("" if n == 1 else "s")
