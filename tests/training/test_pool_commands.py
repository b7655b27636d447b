"""The commands on pools, by a tiny model and a base from nothing."""

import json
from pathlib import Path

import pytest

from training.__main__ import main
from training.data import read_statements
from training.scratch import write_scratch_base

STATEMENTS = Path(__file__).parent.parent.parent / "training" / "statements"


def _pool(path: Path, texts: list[str]) -> str:
    path.write_text("".join(json.dumps({"text": t, "document": f"d{i}"}) + "\n" for i, t in enumerate(texts)))
    return str(path)


def test_drift_tells_people_and_prometheus_and_exits_with_3(
    tmp_path: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where half of the texts speak of orbits."""
    known = [f"We reject note {i} of Corfu and its {i % 7} claims." for i in range(600)]
    new = [*known[:300], *(f"The orbit of satellite {i} is watched by their council." for i in range(300))]
    figures = tmp_path / "drift.prom"
    files = [_pool(tmp_path / "new.jsonl", new), "--known", _pool(tmp_path / "known.jsonl", known)]
    assert 3 == main(["drift", *files, "--model", str(tiny_folder), "--prometheus", str(figures)])
    out = capsys.readouterr().out
    assert "# Drift: alarm" in out
    assert "orbit" in out
    assert "stance_drift_alarm 1" in figures.read_text()


def test_suggest_writes_the_best_first_and_none_that_has_a_label(
    tmp_path: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pool of labelled and new texts."""
    labels = STATEMENTS / "wires.jsonl"
    labelled = [s.text for s in read_statements([labels])]
    fresh = [f"The council of Corfu will answer note {i} in {i % 9} days." for i in range(40)]
    write_scratch_base(labelled, tmp_path / "base", seed=1)
    pool = _pool(tmp_path / "pool.jsonl", [*labelled[:20], *fresh])
    where = ["--labels", str(labels), "--model", str(tiny_folder), "--base", str(tmp_path / "base"), "--n", "5"]
    assert 0 == main(["suggest", pool, *where])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert 5 == len({one["text"] for one in told})
    assert {one["text"] for one in told} <= set(fresh)
