"""
Kill retrainings many times, and hold every resumed one against an undisturbed one.

    .venv/bin/python tests/training/kills.py 100

Each job is killed (SIGKILL) after a random time or as soon as a stage's file is there, until it has had its
share; after each kill the champion must load and answer, and the model in the end must be the undisturbed one.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from models.registry import Registry  # noqa: E402
from training.data import read_statements  # noqa: E402

MARKS = ("snapshot.json", "run.json", "checkpoint.pt", "network", "network/tokenizer.json", "model",
         "answers-champion.json", "answers-challenger.json", "report.md", None, None, None)  # fmt: skip


def prepare(folder: Path) -> Path:
    """Make a champion of little training; what comes after it is better under a gate that only asks for no less."""
    labels = folder / "runs" / "labels"
    labels.mkdir(parents=True)
    statements = read_statements(sorted(ROOT.glob("training/statements/*.jsonl")))[:240]
    rows = [{"text": s.text, "stance": s.stance, "who": "ann", "document": s.document} for s in statements]
    smoke = (ROOT / "configs" / "smoke.toml").read_text().replace("checkpoint_steps = 150", "checkpoint_steps = 8")
    smoke = smoke.replace('"training/', f'"{ROOT}/training/').replace("tuning_share = 0.1", "tuning_share = 0.25")
    gate = (ROOT / "configs" / "gate.toml").read_text().replace("fewest = 600", "fewest = 300")
    gate = gate.replace("margin = 0.02", "margin = 1.0").replace('"superiority"', '"refresh"')
    (folder / "gate.toml").write_text(gate.replace("conditional_recall = 0.6", "conditional_recall = 0.0"))
    config = (ROOT / "configs" / "retrain.toml").read_text().replace("retrain-fit.toml", "fit.toml")
    config = config.replace('embeddings = "minilm"', 'embeddings = ""').replace('"models/default"', '""')
    config = config.replace('"runs/', f'"{folder}/runs/').replace('"training/', f'"{ROOT}/training/')
    (folder / "retrain.toml").write_text(config)
    (labels / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:120]))
    (folder / "fit.toml").write_text(smoke.replace("epochs = 12", "epochs = 1"))
    code = start(folder).wait()
    assert code == 0, code
    (labels / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "fit.toml").write_text(smoke.replace("epochs = 12", "epochs = 3"))
    return folder


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start the job."""
    command = [sys.executable, "-m", "training", "retrain", str(folder / "retrain.toml")]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_once(folder: Path, mark: str | None, seconds: float, known: set[Path]) -> bool:
    """Start the job and kill it at a mark or after a time; claim that it was killed before its end."""
    job = start(folder)
    begun = time.monotonic()
    while job.poll() is None and time.monotonic() - begun < (60 if mark else seconds):
        if mark and {path for path in (folder / "runs/retrain").glob(f"*/{mark}")} - known:
            break
        time.sleep(0.005)
    if job.poll() is not None:
        return False
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    return True


def champion_answers(folder: Path) -> str:
    """Load the champion with every check, golden statements included; give its sum."""
    registry = Registry(folder / "runs/registry")
    pointer = registry.pointer()
    assert pointer
    registry.load(pointer)
    return pointer.manifest_sum


def main(wanted: int) -> None:
    """Kill `wanted` times; print what came of it."""
    draw = random.Random(1)
    with tempfile.TemporaryDirectory() as scratch:
        whole = prepare(Path(scratch) / "whole")
        first = champion_answers(whole)
        begun = time.monotonic()
        code = start(whole).wait()
        lasted = time.monotonic() - begun
        expected = champion_answers(whole)
        assert expected != first, f"the undisturbed job ended with {code} and promoted nothing"
        print(f"an undisturbed job takes {lasted:.1f} s", flush=True)
        kills = finished = 0
        while kills < wanted:
            folder = Path(scratch) / "cut"
            shutil.rmtree(folder, ignore_errors=True)
            prepare(folder)
            known = set((folder / "runs/retrain").glob("*/*")) | set((folder / "runs/retrain").glob("*/network/*"))
            marks = list(MARKS)
            draw.shuffle(marks)
            for mark in marks:
                if kill_once(folder, mark, draw.uniform(0, lasted), known):
                    kills += 1
                assert champion_answers(folder) in (first, expected)
            while start(folder).wait() not in (0, 4):
                pass
            assert expected == champion_answers(folder)
            finished += 1
            print(f"{kills} kills, {finished} jobs finished in the undisturbed model", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
