"""
`python -m tests.demo.retraining`: the way of corrections into the model in use, walked as its users walk it.

With `--data`, on 4,000 labelled statements and, at the end, on the model that comes with the project; without, on
the project's own statements. Everything is left in `--folder`; begun anew, it begins from nothing.
"""

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from models.classifier import StanceClassifier
from models.registry import Registry
from models.stance import STANCES
from serving.client import StanceClient
from tests.demo.traffic import Traffic
from tests.load.served import ROOT, SECRET, Served
from training.data import LabelledStatement, expand_globs, read_statements

SEED = 20261126
FLIPPED = 0.3
STATEMENTS = 4_000
CORRECTIONS = 300
# What wrong labels do to a model; size and time are not among it.
QUALITY = {"macro-F1, lower bound", "slices and suites, least p", "calibration error, rise", "recall of conditional"}


class Walk:
    """
    What the steps share: a folder with labels, settings and runs, and the claims that were checked.

    Args:
        held_out: labelled files that challengers are judged by.
        data: folder of the labelled data; None for the project's own statements alone.
    """

    def __init__(self, folder: Path, held_out: Sequence[Path], data: Path | None) -> None:
        self.folder = folder
        self.data = data
        self.registry = Registry(folder / "versions")
        self.begun = time.monotonic()
        self.failed: list[str] = []
        self._held_out = held_out

    def say(self, text: str) -> None:
        """Print a line, with the minutes since the start."""
        sys.stdout.write(f"{(time.monotonic() - self.begun) / 60:5.1f} min  {text}\n")
        sys.stdout.flush()

    def claim(self, what: str, is_so: bool) -> None:  # noqa: FBT001
        """Note whether a thing is as it should be."""
        self.say(f"{'yes' if is_so else 'NO '}  {what}")
        if not is_so:
            self.failed.append(what)

    def retrain(self, name: str, labels: Sequence[str], *, fit: Mapping[str, object], **settings: object) -> int:
        """Run the job with settings of its own as a process of its own; give its exit code."""
        given: dict[str, object] = {
            "labels": [str(self.folder / label) for label in labels],
            "earlier": [],
            "held_out": [str(file) for file in self._held_out],
            "first": "",
            "registry": str(self.folder / "versions"),
            "runs": str(self.folder / "retrain"),
            "embeddings": "minilm",
            **settings,
        }
        base = "retrain-fit.toml" if given["first"] else "minilm.toml"
        _write_settings(self.folder / f"{name}-fit.toml", base, {"name": name, **fit})
        _write_settings(self.folder / f"{name}-gate.toml", "gate.toml", {"mode": given.pop("mode", "superiority")})
        parts = {"fit": f"{name}-fit.toml", "gate": f"{name}-gate.toml"}
        _write_settings(self.folder / f"{name}.toml", "retrain.toml", {**given, **parts})
        return self.run("retrain", str(self.folder / f"{name}.toml"))

    def run(self, *arguments: str) -> int:
        """Run a command of the project's, its words in a log."""
        with (self.folder / "log").open("a") as log:
            command = [sys.executable, "-m", "training", *arguments]
            return subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode

    def champion(self) -> str:
        """Name the model in use."""
        pointer = self.registry.pointer()
        return pointer.version if pointer else "none"

    def report(self, runs: str = "retrain") -> tuple[Path, dict[str, object]]:
        """Find the newest run and its verdict."""
        newest = max((self.folder / runs).glob("*/run.json"), key=lambda file: file.stat().st_mtime).parent
        return newest / "report.md", json.loads((newest / "verdict.json").read_text()) or {}


def _write_settings(target: Path, template: str, changed: Mapping[str, object]) -> None:
    """Write a complete file of settings: one of the project's, some of its lines replaced."""
    lines = (ROOT / "configs" / template).read_text().splitlines()
    left = dict(changed)
    for i, line in enumerate(lines):
        key = line.partition(" = ")[0]
        if key in left:
            lines[i] = f"{key} = {json.dumps(left.pop(key))}"
    assert not left, f"{template} has no {', '.join(left)}"
    target.write_text("\n".join(lines) + "\n")


def draw(statements: Sequence[LabelledStatement], n: int, seed: int) -> list[LabelledStatement]:
    """Draw documents until they have n statements."""
    documents: dict[str, list[LabelledStatement]] = {}
    for statement in statements:
        documents.setdefault(statement.document, []).append(statement)
    drawn: list[LabelledStatement] = []
    for document in random.Random(seed).sample(sorted(documents), len(documents)):
        if len(drawn) + len(documents[document]) <= n:
            drawn += documents[document]
    return drawn


def write_labels(target: Path, statements: Sequence[LabelledStatement], *, flipped: float = 0.0) -> set[str]:
    """Write a file of labels, a share of them turned into a random other one; give the texts of those."""
    chance = random.Random(SEED)
    turned: set[str] = set()
    with target.open("w", encoding="utf-8") as file:
        for s in statements:
            stance, condition = s.stance, s.condition
            if chance.random() < flipped:
                stance, condition = chance.choice([other for other in STANCES if other != s.stance]), None
                turned.add(s.text)
            row = {
                "text": s.text, "stance": stance, "who": "archive", "confidence": s.confidence, "source": s.source,
                "document": s.document, "when": "2026-11-01T00:00:00+00:00",
            }  # fmt: skip
            if condition:
                row |= {"condition_start": condition[0], "condition_end": condition[1]}
            file.write(json.dumps(row) + "\n")
    return turned


def send_corrections(served: Served, statements: Sequence[LabelledStatement]) -> Counter[int]:
    """Ask for each statement's answer and send what a person says of it, as the page does; count the statuses."""
    with StanceClient(f"http://127.0.0.1:{served.port}", SECRET) as client:
        answers = client.classify([s.text for s in statements])
    manifest_sum = served.ask("GET", "/v1/model").json()["manifest_sum"]
    statuses: Counter[int] = Counter()
    with httpx.Client(base_url=f"http://127.0.0.1:{served.port}", headers=served.headers()) as http:
        for statement, answer in zip(statements, answers, strict=True):
            document = hashlib.sha256(statement.document.encode()).hexdigest()
            body = {
                "statement": statement.text,
                "given": {"stance": str(answer.stance), "manifest_sum": manifest_sum},
                "stance": str(statement.stance),
                "article": {"hash": document, "start": 0, "end": len(statement.text)},
            }
            if statement.condition:
                body["condition"] = dict(zip(("start", "end"), statement.condition, strict=True))
            once = {"Idempotency-Key": f"demo-{statement.id}"}
            statuses[http.post("/v1/feedback", json=body, headers=once).status_code] += 1
    return statuses


def wait_for(served: Served, version: str, seconds: float = 15) -> float:
    """Wait until every worker answers with a version; give the seconds, or fail."""
    begun, in_a_row = time.monotonic(), 0
    while time.monotonic() < begun + seconds:
        is_new = served.ask("GET", "/v1/model").json()["version"] == version
        in_a_row = in_a_row + 1 if is_new else 0
        if in_a_row == 8:
            return time.monotonic() - begun
        time.sleep(0.02)
    raise AssertionError(f"{version} does not answer after {seconds} s")


def first_champion(walk: Walk, served: Served, third: Sequence[LabelledStatement], fit: Mapping[str, object]) -> str:
    """From an empty registry: the first challenger has nobody to beat."""
    write_labels(walk.folder / "third.jsonl", third)
    code = walk.retrain("first", ["third.jsonl"], fit=fit, from_base=True)
    walk.claim(f"a champion is made of {len(third)} labels (exit code {code})", code == 0)
    first = walk.champion()
    walk.say(f"{first} answers after {wait_for(served, first):.1f} s")
    return first


def corrections_in(walk: Walk, served: Served, rest: Sequence[LabelledStatement]) -> None:
    """Corrections come in through the running service, and its export is what the job reads."""
    statuses = send_corrections(served, rest)
    walk.claim(f"{len(rest)} corrections sent, answered {dict(statuses)}", set(statuses) == {201})
    exported = served.ask("GET", "/v1/feedback", seconds=60).text
    (walk.folder / "feedback.jsonl").write_text(exported)
    walk.claim(f"{exported.count(chr(10))} of them exported", exported.count("\n") == len(rest))


def better_challenger(walk: Walk, served: Served, first: str, fit: Mapping[str, object]) -> str:
    """On all labels, from the champion's weights: promoted, with its evidence."""
    code = walk.retrain("second", ["third.jsonl", "feedback.jsonl"], fit=fit, from_base=False)
    page, verdict = walk.report()
    tell_checks(walk, verdict)
    walk.claim(f"the challenger on all labels is promoted (exit code {code}), {page.name} says why", code == 0)
    second = walk.champion()
    walk.claim(f"{second} is another model than {first}", second != first)
    walk.say(f"{second} answers after {wait_for(served, second):.1f} s")
    return second


def noisy_challenger(walk: Walk, statements: Sequence[LabelledStatement], fit: Mapping[str, object]) -> None:
    """On labels of which 30 % are wrong: refused, for the right reasons, and the wrong labels are pointed at."""
    turned = write_labels(walk.folder / "flipped.jsonl", statements, flipped=FLIPPED)
    before = walk.champion()
    code = walk.retrain("third", ["flipped.jsonl"], fit=fit, from_base=False, screen_share=0.2)
    page, verdict = walk.report()
    tell_checks(walk, verdict)
    failed = {check["name"] for check in verdict["checks"] if not check["passed"]}  # type: ignore[attr-defined,index]
    walk.claim(f"the challenger on {FLIPPED:.0%} flipped labels is refused (exit code {code})", code == 3)
    walk.claim(f"because of: {', '.join(sorted(failed))}", bool(failed & QUALITY))
    walk.claim("the champion stays", walk.champion() == before)
    suspects = json.loads((page.parent / "suspects.json").read_text())
    heads = {text[:120] for text in turned}
    found = sum(suspect.partition(" (labelled ")[0] in heads for suspect in suspects)
    share = found / max(len(suspects), 1)
    walk.claim(f"of {len(suspects)} suspects {found} were flipped ({share:.0%}, of all {FLIPPED:.0%})", share > FLIPPED)


def way_back(walk: Walk, served: Served, first: str) -> None:
    """One command, while the service is asked."""
    begun = time.monotonic()
    code = walk.run("models", "rollback", "--registry", str(walk.folder / "versions"))
    seconds = time.monotonic() - begun
    walk.claim(f"rollback takes {seconds:.2f} s, the start of Python included", code == 0 and seconds < 1)
    walk.claim("the first champion is the champion again", walk.champion() == first)
    walk.say(f"{first} answers {wait_for(served, first):.1f} s later")


def shipped_model(walk: Walk, statements: Sequence[LabelledStatement]) -> None:
    """
    Correct the model of the project where it errs, and see that what it knew is not lost.

    Its errors on labels of which the annotator was sure are what an analyst would correct; it has been trained on
    these labels, so that they are harder than what it meets elsewhere.
    """
    assert walk.data
    classifier = StanceClassifier.load()
    wrong: list[LabelledStatement] = []
    read = 0
    for statement in statements:
        if statement.confidence == 3:
            read += 1
            if classifier.classify([statement.text])[0].stance != statement.stance:
                wrong.append(statement)
        if len(wrong) == CORRECTIONS:
            break
    walk.say(f"{len(wrong)} errors of the shipped model in {read} statements with a sure label")
    write_labels(walk.folder / "corrections.jsonl", wrong)
    places = {"registry": str(walk.folder / "shipped"), "runs": str(walk.folder / "retrain-shipped")}
    more = {"first": "models/default", "pool": str(walk.data / "unlabelled.jsonl.gz"), "pool_texts": 1500}
    code = walk.retrain("shipped", ["corrections.jsonl"], fit={}, mode="refresh", from_base=False, **places, **more)
    _, verdict = walk.report("retrain-shipped")
    tell_checks(walk, verdict)
    whole = verdict["checks"][0]  # type: ignore[index]
    walk.say(f"exit code {code}")
    walk.claim(f"{len(wrong)} corrections do not cost its figures: {whole['beside']}", whole["passed"])


def tell_checks(walk: Walk, verdict: Mapping[str, object]) -> None:
    """Print a verdict."""
    walk.say(f"judged on {verdict['evaluation_set']}, n = {verdict['n']}, look {verdict['looks']}")
    for check in verdict["checks"]:  # type: ignore[attr-defined]
        passed = "passed" if check["passed"] else "FAILED"
        walk.say(f"  {passed}  {check['name']}: {check['value']:.4f}, {check['bound']}; {check['beside']}")


def walk_through(walk: Walk, everything: Sequence[LabelledStatement], fit: Mapping[str, object], *, n: int) -> None:
    """Walk all steps, the service running and asked throughout."""
    statements = draw(everything, n, SEED)
    third = draw(statements, len(statements) // 3, SEED)
    known = {s.document for s in third}
    rest = [s for s in statements if s.document not in known]
    walk.say(f"{len(statements)} statements: {len(third)} for the first champion, {len(rest)} as corrections")
    served = Served(walk.folder / "service", settings={"models_folder": json.dumps(str(walk.folder / "versions"))})
    traffic = Traffic(served.port)
    try:
        with traffic:
            first = first_champion(walk, served, third, {**fit, "epochs": 3})
            corrections_in(walk, served, rest)
            second = better_challenger(walk, served, first, {**fit, "epochs": 2})
            noisy_challenger(walk, statements, {**fit, "epochs": 2, "seed": SEED})
            way_back(walk, served, first)
    finally:
        served.stop()
    walk.claim(f"{traffic.told()}; none lost", traffic.lost() == 0)
    walk.claim("the models answered in this order", traffic.versions()[-3:] == [first, second, first])
    if walk.data:
        drawn = {s.id for s in statements}
        shipped_model(walk, draw([s for s in everything if s.id not in drawn], 20_000, SEED + 1))


def main() -> int:
    """Walk; 1 where a claim did not hold."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, help="folder with train.jsonl, dev.jsonl and unlabelled.jsonl.gz")
    parser.add_argument("--statements", type=int, default=STATEMENTS, help="of the labelled data")
    parser.add_argument("--folder", type=Path, default=Path("runs/demo"))
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    held_out = expand_globs([str(ROOT / "training/behaviour/*.jsonl")])
    has_data = options.data is not None and (options.data / "train.jsonl").exists()
    data = options.data.resolve() if has_data else None
    own = expand_globs([str(ROOT / "training/statements/*.jsonl")])
    walk = Walk(options.folder.resolve(), [*held_out, data / "dev.jsonl"] if data else held_out, data)
    if data:
        walk_through(walk, read_statements([data / "train.jsonl"]), {}, n=options.statements)
    else:
        walk_through(walk, read_statements(own), {"statements": []}, n=options.statements)
    for what in walk.failed:
        walk.say(f"FAULT: {what}")
    walk.say(f"done at {datetime.now(UTC).isoformat(timespec='seconds')}")
    return int(bool(walk.failed))


if __name__ == "__main__":
    sys.exit(main())
