"""
The job: labels in, a challenger trained, judged, and promoted or refused; the only file that knows the order.

Every stage writes beside its target and renames; a run that was killed goes on from the last finished one. The
champion is not touched before the gate has said yes.
"""

import fcntl
import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from pathlib import Path

import numpy as np

from models.errors import ConfigError
from models.folder import open_folder
from models.registry import Registry
from training.bases import base_folder
from training.challenger import make_challenger
from training.contest import compete, evaluation_set
from training.data import LabelledStatement, content_hash
from training.embed import embed
from training.gate import Verdict, judge
from training.gather import Gathered, gather, write_atomically
from training.noise import screen
from training.retrain_config import RetrainConfig
from training.retrain_report import write_report

logger = logging.getLogger(__name__)
_PROJECT = Path(__file__).parent.parent


class Outcome(IntEnum):
    """How a retraining ended; the exit code of the command, where 1 is a failure."""

    PROMOTED = 0
    REFUSED = 3
    NOTHING_NEW = 4


@dataclass(frozen=True, slots=True)
class Run:
    """
    One retraining's place and names.

    Attributes:
        today: of the day on which it was begun, whenever it is gone on with.
        champion: the version that is challenged; None in an empty registry.
    """

    folder: Path
    today: date
    champion: str | None


def retrain(config: RetrainConfig, *, now: datetime, is_dry: bool = False) -> tuple[Outcome, Path]:
    """
    Run or finish a retraining; give its outcome and the folder with its report.

    Raises:
        ConfigError: another retraining is running here.
        DataError: files of labels that cannot be read.
    """
    registry = Registry(Path(config.registry))
    runs = Path(config.runs)
    runs.mkdir(parents=True, exist_ok=True)
    with _alone(runs / ".lock"):
        gathered = gather(config, now=now)
        champion = _find_champion(config, registry, now=now, is_dry=is_dry)
        run = _open_run(config, gathered, champion, runs, now=now, is_dry=is_dry)
        _say("gathered", run=run.folder.name, decided=len(gathered.decided), trained_on=len(gathered.sides.training))
        if (run.folder / "outcome.json").exists() or len(gathered.decided) < config.fewest_labels:
            return Outcome.NOTHING_NEW, run.folder
        if is_dry:
            return Outcome.NOTHING_NEW, run.folder
        suspects = _screen(config, gathered, run)
        verdict = _challenge(config, gathered, registry, run)
        outcome = _settle(registry, run, verdict, now=now)
        page, ended = run.folder / "report.md", outcome.name.lower()
        write_report(page, gathered, verdict, suspects=suspects, outcome=ended, champion=run.champion)
        told = json.dumps(asdict(verdict) if verdict else None, indent=1, default=np.generic.item)
        write_atomically(run.folder / "verdict.json", told)
        write_atomically(run.folder / "outcome.json", json.dumps({"outcome": outcome.name.lower()}))
        _say("finished", run=run.folder.name, outcome=outcome.name.lower())
        return outcome, run.folder


def describe_plan(config: RetrainConfig, gathered: Gathered, run: Path) -> str:
    """Say what a run would do."""
    sides = gathered.sides
    start = "the base" if config.from_base else "the champion's weights"
    return "\n".join([
        f"run {run}", f"{len(gathered.reading.labels)} labels, {len(gathered.reading.faults)} rows with a fault",
        f"{len(gathered.decided)} texts decided, {len(gathered.held_back)} of them held back to judge by",
        f"{len(sides.training)} statements to train on from {start}, {len(sides.tuning)} to tune by",
        f"{len(gathered.evaluation)} statements to judge by, {gathered.leaks} left out of training as near to these",
    ])  # fmt: skip


def run_id(config: RetrainConfig, gathered: Gathered, champion: str | None) -> str:
    """Name a run by its data, settings, code and the champion it starts from: the same inputs are the same run."""
    code = hashlib.sha256()
    for file in sorted([*_PROJECT.glob("training/*.py"), *_PROJECT.glob("models/*.py")]):
        code.update(file.read_bytes())
    settings = config.model_dump_json(exclude={"registry", "runs", "labels", "earlier", "held_out", "pool", "first"})
    parts = [content_hash(gathered.sides.training), content_hash(gathered.sides.tuning)]
    parts += [content_hash(gathered.evaluation), content_hash(gathered.decided), settings, code.hexdigest()]
    return hashlib.sha256("\n".join([*parts, champion or ""]).encode()).hexdigest()[:16]


def _find_champion(config: RetrainConfig, registry: Registry, *, now: datetime, is_dry: bool) -> str | None:
    """Name the champion; into an empty registry the model that answers so far is taken, and becomes the anchor."""
    if pointer := registry.pointer():
        return pointer.version
    if not config.first:
        return None
    if is_dry:
        return open_folder(Path(config.first)).manifest.version
    version = registry.publish(Path(config.first))
    registry.promote(version, at=now, reason=f"it answered before there was a registry: {config.first}")
    return version


def _open_run(
    config: RetrainConfig, gathered: Gathered, champion: str | None, runs: Path, *, now: datetime, is_dry: bool
) -> Run:
    """
    Open the folder of this run, or go on with the one that was begun with the same inputs.

    A run that was killed after its promotion is found by the champion it began with, not by today's; one whose
    champion was meanwhile replaced by another is not gone on with, for it would be judged by the wrong one.
    """
    for begun in sorted(runs.glob("*/run.json")):
        held = json.loads(begun.read_text())
        is_current = champion in (held["champion"], _made(begun.parent)) or (begun.parent / "outcome.json").exists()
        if is_current and begun.parent.name == run_id(config, gathered, held["champion"]):
            return Run(begun.parent, date.fromisoformat(held["today"]), held["champion"])
    folder = runs / run_id(config, gathered, champion)
    run = Run(folder, now.date(), champion)
    if not is_dry:
        folder.mkdir()
        lines = [str(fault) for fault in gathered.reading.faults]
        write_atomically(folder / "faults.txt", "\n".join(lines))
        write_atomically(folder / "snapshot.json", json.dumps(gathered.snapshot, indent=1))
        write_atomically(folder / "run.json", json.dumps({"today": run.today.isoformat(), "champion": champion}))
    return run


def _made(run: Path) -> str | None:
    """Name the version that a run made, if it came so far."""
    model = run / "model"
    return open_folder(model).manifest.version if model.is_dir() else None


def _screen(config: RetrainConfig, gathered: Gathered, run: Run) -> list[str]:
    """List doubtful labels for a person, kept in a file; they are trained on as they are."""
    listed = run.folder / "suspects.json"
    if not config.embeddings:
        return []
    if not listed.exists():
        vectors = embed([s.text for s in gathered.decided], base_folder(config.embeddings))
        suspects = screen(gathered.decided, vectors, share=config.screen_share, seed=config.fit.seed)
        told = [f"{s.statement.text[:120]} (labelled {s.statement.stance}, likelier {s.likeliest})" for s in suspects]
        write_atomically(listed, json.dumps(told, indent=1))
    return [str(line) for line in json.loads(listed.read_text())]


def _challenge(config: RetrainConfig, gathered: Gathered, registry: Registry, run: Run) -> Verdict | None:
    """Train, calibrate and judge; None where there is no champion to judge by."""
    model = run.folder / "model"
    if not model.is_dir():
        _say("training", run=run.folder.name, statements=len(gathered.sides.training))
        make_challenger(config, gathered, registry, run.folder, champion=run.champion, today=run.today)
    if run.champion is None:
        return None
    _say("evaluating", run=run.folder.name, n=len(gathered.evaluation))
    # By the files that are judged by, not the fifth held back beside them: that one grows with every run.
    looks = _count_look(Path(config.runs) / "looks.jsonl", gathered.held_out, run.folder.name)
    name = f"held-out statements and {len(gathered.held_back)} corrections held back"
    on = evaluation_set(gathered.evaluation, name=name, looks=looks)
    anchor = registry.anchor()
    contestants = {
        role: compete(folder, gathered.evaluation, answers=run.folder / f"answers-{role}.json")
        for role, folder in (
            ("champion", registry.folder(run.champion)),
            ("challenger", model),
            ("anchor", registry.folder(anchor or run.champion)),
        )
    }
    return judge(on, contestants["champion"], contestants["challenger"], contestants["anchor"], config.gate)


def _settle(registry: Registry, run: Run, verdict: Verdict | None, *, now: datetime) -> Outcome:
    if verdict and not verdict.promote:
        return Outcome.REFUSED
    _say("publishing", run=run.folder.name)
    version = registry.publish(run.folder / "model", trainable=run.folder / "network")
    pointer = registry.pointer()
    if pointer is None or pointer.version != version:
        reason = f"run {run.folder.name}: " + (verdict.checks[0].beside if verdict else "the first")
        registry.promote(version, at=now, reason=reason)
    return Outcome.PROMOTED


def _count_look(log: Path, held_out: list[LabelledStatement], run: str) -> int:
    """Count by how many runs this set was looked at; the same run, gone on with, counts once."""
    entry = {"set": content_hash(held_out), "run": run}
    seen = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    if entry not in seen:
        seen.append(entry)
        write_atomically(log, "".join(json.dumps(one) + "\n" for one in seen))
    return sum(one["set"] == entry["set"] for one in seen)


@contextmanager
def _alone(lock_file: Path) -> Iterator[None]:
    with lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(f"{lock_file}: another retraining holds it") from error
        yield


def _say(event: str, **values: object) -> None:
    logger.info(json.dumps({"event": event, "at": datetime.now(UTC).isoformat(timespec="seconds"), **values}))
