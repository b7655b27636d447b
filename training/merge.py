"""Several people's labels of one text -> one labelled statement; what they disagree on is counted and listed."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import krippendorff
import numpy as np

from models.stance import STANCES, Stance
from training.data import LabelledStatement
from training.labels import Label, text_key

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Merged:
    """
    What came of the labels.

    Attributes:
        statements: one for each text on which there is a decision; its id is made of the text.
        provenance: id -> the labels that it rests on, whoever they side with.
        disputed: texts on which people differ, with each one's stance, decided or not.
        undecided: ids of those with no majority; they are not among the statements.
        alpha: Krippendorff's, nominal, over texts with two people or more; None where there are too few.
    """

    statements: list[LabelledStatement]
    provenance: dict[str, list[Label]]
    disputed: dict[str, dict[str, Stance]]
    undecided: list[str]
    alpha: float | None


def merge_labels(labels: Sequence[Label]) -> Merged:
    """
    Merge labels by text, letter case and spaces aside.

    Of one person the newest label counts. A ground-truth label decides alone; else the majority of people does,
    and a tie is left to a person. Confidence is 3 where two or more agree or one is ground truth, 1 where a
    majority overrules somebody, else the person's own. The condition is the newest one on the deciding side;
    where a file marks conditions alone, it is joined to the stance that other labels give.
    """
    by_text: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_text[text_key(label.text)].append(label)
    merged = Merged([], dict(by_text), {}, [], _alpha(by_text))
    for key, group in by_text.items():
        votes = _votes(group)
        if len({vote.stance for vote in votes}) > 1:
            merged.disputed[key] = {vote.who: vote.stance for vote in votes if vote.stance}
        statement = _decide(key, votes, group)
        if statement:
            merged.statements.append(statement)
        else:
            merged.undecided.append(key)
    return merged


def _votes(group: Sequence[Label]) -> list[Label]:
    """Give each person's newest stance, oldest first."""
    newest: dict[str, Label] = {}
    for label in sorted(group, key=_time):
        if label.stance:
            newest[label.who] = label
    return sorted(newest.values(), key=_time)


def _decide(key: str, votes: Sequence[Label], group: Sequence[Label]) -> LabelledStatement | None:
    deciding = [label for label in group if label.is_gold and label.stance] or list(votes)
    counts = Counter(label.stance for label in deciding).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    stance = counts[0][0]
    assert stance is not None  # noqa: S101
    side = [label for label in deciding if label.stance == stance]
    marked = [label for label in sorted(group, key=_time) if label.condition and label.stance in (stance, None)]
    last = marked[-1] if marked and stance in (Stance.CONDITIONAL, Stance.HOSTILE) else side[-1]
    return LabelledStatement(
        id=f"label-{key}",
        text=last.text,
        stance=stance,
        confidence=_confidence(side, overruled=len(side) < len(votes)),
        condition=last.condition,
        source=side[-1].source,
        document=side[-1].document,
    )


def _confidence(side: Sequence[Label], *, overruled: bool) -> int:
    if any(label.is_gold for label in side):
        return 3
    if overruled:
        return 1
    return 3 if len(side) > 1 else side[0].confidence


def _alpha(by_text: dict[str, list[Label]]) -> float | None:
    shared = [{v.who: v.stance for v in _votes(group)} for group in by_text.values()]
    shared = [votes for votes in shared if len(votes) > 1]
    people = sorted({who for votes in shared for who in votes})
    table = np.full((len(people), len(shared)), np.nan)
    for column, votes in enumerate(shared):
        for who, stance in votes.items():
            table[people.index(who), column] = STANCES.index(stance) if stance else np.nan
    if len({value for value in table.ravel() if not np.isnan(value)}) < 2:  # noqa: PLR2004
        return None
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement="nominal"))


def _time(label: Label) -> datetime:
    return label.when or _LONG_AGO
