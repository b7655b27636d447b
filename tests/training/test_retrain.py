"""The job end to end, on the tiny model: promoted, refused, nothing new, killed and gone on with."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.errors import ConfigError, DataError
from models.folder import open_folder
from models.registry import Registry
from models.stance import STANCES
from training.__main__ import main
from training.contest import evaluation_set
from training.data import read_statements
from training.gather import gather
from training.retrain import Outcome, retrain
from training.retrain_config import RetrainConfig, read_retrain_config
from training.scratch import write_scratch_base

ROOT = Path(__file__).parent.parent.parent
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LABELLED = [s for f in ("wires", "cold_war") for s in read_statements([ROOT / f"training/statements/{f}.jsonl"])]


def _write_labels(folder: Path, *, flipped: bool = False) -> None:
    folder.mkdir(exist_ok=True)
    rows = [
        {"text": s.text, "stance": STANCES[(STANCES.index(s.stance) + 1) % 4] if flipped else s.stance,
         "who": "ann", "source": s.source, "document": s.document}
        for s in LABELLED
    ]  # fmt: skip
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _config_file(folder: Path, *, mode: str = "superiority") -> Path:
    """Write a config whose champion is trained on a part of the own statements, in a few seconds."""
    smoke = (ROOT / "configs" / "smoke.toml").read_text()
    smoke = smoke.replace('"training/statements/*.jsonl"', f'"{ROOT}/training/statements/posts*.jsonl"')
    smoke = smoke.replace("epochs = 12", "epochs = 3").replace("checkpoint_steps = 150", "checkpoint_steps = 10")
    (folder / "fit.toml").write_text(smoke.replace("tuning_share = 0.1", "tuning_share = 0.25"))
    gate = (ROOT / "configs" / "gate.toml").read_text().replace("fewest = 600", "fewest = 300")
    gate = gate.replace('"superiority"', f'"{mode}"').replace("conditional_recall = 0.6", "conditional_recall = 0.0")
    (folder / "gate.toml").write_text(gate.replace("calibration_margin = 0.02", "calibration_margin = 0.2"))
    config = (ROOT / "configs" / "retrain.toml").read_text()
    config = config.replace("retrain-fit.toml", "fit.toml").replace('"runs/', f'"{folder}/runs/')
    config = config.replace('embeddings = "minilm"', 'embeddings = ""').replace('"models/default"', '""')
    (folder / "retrain.toml").write_text(config.replace('"training/behaviour', f'"{ROOT}/training/behaviour'))
    return folder / "retrain.toml"


@pytest.fixture
def config(tmp_path: Path) -> RetrainConfig:
    (tmp_path / "runs").mkdir()
    _write_labels(tmp_path / "runs" / "labels")
    return read_retrain_config(_config_file(tmp_path))


def test_from_an_empty_registry_to_a_refusal_with_reasons(config: RetrainConfig, tmp_path: Path) -> None:
    """The first is the champion; the same again is nothing new; flipped labels are refused, and it stays."""
    registry = Registry(Path(config.registry))
    assert Outcome.PROMOTED == retrain(config, now=NOW)[0]
    first = registry.pointer()
    assert first
    assert first.version == registry.anchor()
    again, run = retrain(config, now=NOW)
    assert first == registry.pointer()
    assert Outcome.NOTHING_NEW == again
    _write_labels(tmp_path / "runs" / "labels", flipped=True)
    outcome, run = retrain(config, now=NOW)
    assert Outcome.REFUSED == outcome
    assert first == registry.pointer()
    report = (run / "report.md").read_text()
    assert "# Retraining: refused" in report
    assert "Against it: macro-F1, lower bound" in report
    assert first.version in report
    assert "look 1 at this set" in report


def test_the_challenger_starts_from_the_champion_s_weights(config: RetrainConfig) -> None:
    """Tokenizer and the base's sum are handed on; a step too small for int8 to show leaves them as they are."""
    retrain(config, now=NOW)
    registry = Registry(Path(config.registry))
    pointer = registry.pointer()
    assert pointer
    old = open_folder(registry.folder(pointer.version))
    held = {"epochs": 1, "seed": 3, "learning_rate": 1e-30, "head_learning_rate": 1e-30}
    _, run = retrain(config.model_copy(update={"fit": config.fit.model_copy(update=held)}), now=NOW)
    assert old.encoder() == open_folder(run / "model").encoder()
    held = {"epochs": 1, "seed": 3}
    _, run = retrain(config.model_copy(update={"fit": config.fit.model_copy(update=held)}), now=NOW)
    new = open_folder(run / "model")
    assert old.manifest.base_sum == new.manifest.base_sum
    assert old.files["tokenizer.json"] == new.files["tokenizer.json"]
    assert old.encoder() != new.encoder()


def test_weights_that_nobody_kept_are_made_of_the_int8_ones(config: RetrainConfig, tiny_folder: Path) -> None:
    """
    The model that answered before there was a registry is taken in as champion and anchor, and trained on from there.

    Trained so little that int8 does not show it, the challenger differs by its calibration alone, and is refused.
    """
    held = {"epochs": 1, "learning_rate": 1e-30, "head_learning_rate": 1e-30}
    fit = config.fit.model_copy(update=held)
    outcome, run = retrain(config.model_copy(update={"first": str(tiny_folder), "fit": fit}), now=NOW)
    registry = Registry(Path(config.registry))
    pointer = registry.pointer()
    first = open_folder(tiny_folder)
    assert Outcome.REFUSED == outcome
    assert pointer
    assert (first.manifest.version, first.manifest_sum) == (pointer.version, pointer.manifest_sum)
    assert registry.anchor() == first.manifest.version
    assert first.encoder() == open_folder(run / "model").encoder()
    assert not (run / "start").exists()
    verdict = json.loads((run / "verdict.json").read_text())
    failed = [check["name"] for check in verdict["checks"] if not check["passed"]]
    assert failed


def test_what_is_judged_by_is_never_trained_on(config: RetrainConfig) -> None:
    """A fifth of the labels' documents is held back, and the same fifth when more labels come."""
    gathered = gather(config, now=NOW)
    trained = {s.document for side in (gathered.sides.training, gathered.sides.tuning) for s in side}
    held = {s.document for s in gathered.held_back}
    assert 0.1 < len(held) / len({s.document for s in gathered.decided}) < 0.3
    assert set() == trained & {s.document for s in gathered.evaluation}
    rows = (Path(config.runs).parent / "labels" / "labels.jsonl").read_text().splitlines(keepends=True)
    (Path(config.runs).parent / "labels" / "labels.jsonl").write_text("".join(rows[: len(rows) // 2]))
    assert {s.document for s in gather(config, now=NOW).held_back} <= held


def test_texts_in_another_script_are_remarked_on_and_a_slice_of_their_own(config: RetrainConfig) -> None:
    """The labels of three are counted; where there are enough of them, they are judged apart."""
    file = Path(config.runs).parent / "labels" / "labels.jsonl"
    rows = [{"text": f"Мы отвергаем ноту номер {n}.", "stance": "hostile", "who": "ann"} for n in range(3)]
    file.write_text(file.read_text() + "".join(json.dumps(row) + "\n" for row in rows))
    gathered = gather(config, now=NOW)
    assert f"3 of {len(gathered.decided)} texts are not in Latin script, for which no model here was made" in (
        gathered.remarks
    )
    slices = evaluation_set(gathered.decided, name="all", looks=1).slices
    assert (3, len(gathered.decided) - 3) == (slices["script other"].sum(), slices["script Latin"].sum())


def test_looks_are_counted_by_the_files_and_not_by_what_is_held_back(config: RetrainConfig, tmp_path: Path) -> None:
    """With half of the labels another fifth is held back; the second run's look is the second all the same."""
    retrain(config, now=NOW)
    for epochs, share in ((1, 1.0), (2, 0.5)):
        file = tmp_path / "runs" / "labels" / "labels.jsonl"
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(lines[: int(share * len(lines))]))
        fit = config.fit.model_copy(update={"epochs": epochs, "seed": 9})
        _, run = retrain(config.model_copy(update={"fit": fit}), now=NOW)
    assert 2 == json.loads((run / "verdict.json").read_text())["looks"]


def test_dry_run_touches_nothing_and_says_what_would_happen(
    tmp_path: Path, config: RetrainConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    """No run's folder is made, no version published."""
    assert 0 == main(["retrain", str(tmp_path / "retrain.toml"), "--dry-run"])
    told = capsys.readouterr().out
    assert f"{len(LABELLED)} labels, 0 rows with a fault" in told
    assert [] == list(Path(config.runs).glob("*/"))
    assert not Path(config.registry).exists()


def test_labels_that_cannot_be_read_and_a_second_job_are_refused(config: RetrainConfig, tmp_path: Path) -> None:
    """The first fault is named; the lock is."""
    (tmp_path / "runs" / "labels" / "labels.jsonl").write_text("no\n")
    with pytest.raises(DataError, match="labels.jsonl:1: not JSON"):
        retrain(config, now=NOW)
    import fcntl

    with (Path(config.runs) / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="another retraining holds it"):
            retrain(config, now=NOW)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "training", "retrain", str(folder / "retrain.toml")]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_killed_job_ends_in_the_model_of_an_undisturbed_one(tmp_path: Path) -> None:
    """SIGKILL as soon as a checkpoint is there, and again at the model; then it is let finish."""
    sums = []
    for name, marks in (("whole", ()), ("cut", ("checkpoint.pt", "model"))):
        folder = tmp_path / name
        (folder / "runs").mkdir(parents=True)
        _write_labels(folder / "runs" / "labels")
        _config_file(folder)
        for mark in marks:
            job = _start(folder)
            while job.poll() is None and not list((folder / "runs" / "retrain").glob(f"*/{mark}")):
                time.sleep(0.01)
            os.kill(job.pid, signal.SIGKILL)
            job.wait()
        assert Outcome.PROMOTED == _start(folder).wait()
        pointer = Registry(folder / "runs" / "registry").pointer()
        assert pointer
        sums.append(pointer.manifest_sum)
    assert sums[0] == sums[1]


def test_doubtful_labels_are_listed_and_trained_on_as_they_are(config: RetrainConfig, tmp_path: Path) -> None:
    """The screen reads vectors of a base; here one from nothing, of the tiny kind."""
    write_scratch_base((s.text for s in LABELLED), tmp_path / "base", seed=1)
    settings = {"embeddings": str(tmp_path / "base"), "screen_share": 0.1}
    _, run = retrain(config.model_copy(update=settings), now=NOW)
    suspects = json.loads((run / "suspects.json").read_text())
    assert len(gather(config, now=NOW).decided) // 10 == pytest.approx(len(suspects), abs=1)
    report = (run / "report.md").read_text()
    assert f"## Labels to look at again, not changed: {len(suspects)}" in report
    assert suspects[0] in report
