"""Labels, earlier statements and evaluation sets -> the sides of a retraining, clear of each other."""

import hashlib
import os
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from models.errors import DataError
from training.data import LabelledStatement, expand_globs, read_statements
from training.drift import is_latin
from training.labels_in import Reading, read_labels
from training.merge import Merged, merge_labels
from training.retrain_config import RetrainConfig
from training.split import Sides, leave_out_near, split_sides

# The held-back fifth is drawn by this for ever: another seed would let what was judged by into training.
_HELD_BACK_SEED = 5
_LOPSIDED = 0.9


@dataclass(frozen=True, slots=True)
class Gathered:
    """
    What a retraining works on.

    Attributes:
        snapshot: file -> SHA-256 of all that was read.
        decided: texts on which the labels decide.
        held_back: those of them that are judged by and never trained on.
        held_out: the files that are judged by; `evaluation` is these and `held_back`.
        leaks: statements left out of training because they are near to that.
        remarks: what a person should look at.
    """

    snapshot: dict[str, str]
    reading: Reading
    merged: Merged
    decided: list[LabelledStatement]
    held_back: list[LabelledStatement]
    held_out: list[LabelledStatement]
    sides: Sides
    evaluation: list[LabelledStatement]
    leaks: int
    remarks: list[str]


def gather(config: RetrainConfig, *, now: datetime) -> Gathered:
    """
    Read everything, hold a fifth back, and leave out of training what is near to an evaluation set.

    A text that was labelled anew counts with its new label: the earlier one of the same words is dropped.

    Raises:
        DataError: a file that cannot be read, one in which every row has a fault, or a pattern that no file matches.
    """
    label_files = expand_globs(config.labels)
    held_out_files = expand_globs(config.held_out)
    earlier_files = [*expand_globs(config.fit.statements), *expand_globs(config.earlier)]
    reading = read_labels(label_files, now=now)
    if reading.faults and not reading.labels:
        raise DataError(f"no row of the labels could be read; the first fault: {reading.faults[0]}")
    merged = merge_labels(reading.labels)
    held_out = read_statements(held_out_files)
    decided = leave_out_near(merged.statements, held_out)
    fresh, held_back = split_sides(decided, share=config.held_back_share, seed=_HELD_BACK_SEED)
    evaluation = [*held_out, *held_back]
    relabelled = {_words(s) for s in decided}
    earlier = [s for s in read_statements(earlier_files) if _words(s) not in relabelled]
    candidates = [*earlier, *fresh]
    clear = leave_out_near(candidates, evaluation)
    sides = Sides(*split_sides(clear, share=config.fit.tuning_share, seed=config.fit.split_seed))
    leaks = len(merged.statements) - len(decided) + len(candidates) - len(clear)
    files = [*label_files, *held_out_files, *earlier_files]
    return Gathered(
        snapshot={str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
        reading=reading,
        merged=merged,
        decided=decided,
        held_back=held_back,
        held_out=held_out,
        sides=sides,
        evaluation=evaluation,
        leaks=leaks,
        remarks=_remarks(decided, merged),
    )


def write_atomically(target: Path, content: str) -> None:
    """Write a file beside its target, flush it, and put it in its place."""
    neighbour = target.with_name(target.name + ".part")
    with neighbour.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    neighbour.replace(target)


def _words(statement: LabelledStatement) -> str:
    return " ".join(statement.text.casefold().split())


def _remarks(decided: list[LabelledStatement], merged: Merged) -> list[str]:
    counts = Counter(s.stance for s in decided)
    remarks = [f"{len(merged.undecided)} texts have no majority and were left out"] if merged.undecided else []
    for stance, n in counts.items():
        if n > _LOPSIDED * len(decided):
            remarks.append(f"{n} of {len(decided)} labels are {stance}")
    if foreign := sum(not is_latin(s.text) for s in decided):
        remarks.append(f"{foreign} of {len(decided)} texts are not in Latin script, for which no model here was made")
    return remarks
