"""The project's own statements: many, of every kind, and none like another."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from models.stance import STANCES
from training.data import LabelledStatement, expand_globs, read_statements
from training.split import near_duplicates, shingles

FOLDER = Path(__file__).parent.parent.parent / "training"
OWN = expand_globs([str(FOLDER / "statements" / "*.jsonl")])
HELD_OUT = expand_globs([str(FOLDER / "behaviour" / "*.jsonl")])


@pytest.fixture(scope="module")
def statements() -> list[LabelledStatement]:
    return read_statements([*OWN, *HELD_OUT])


@pytest.mark.parametrize(("files", "least", "least_in_groups"), [(OWN, 300, 100), (HELD_OUT, 600, 200)])
def test_there_are_enough_of_every_stance(files: list[Path], least: int, least_in_groups: int) -> None:
    """Every stance and none, and contrast groups in plenty."""
    statements = read_statements(files)
    assert len(statements) >= least
    counts = Counter(s.stance for s in statements)
    assert all(counts[stance] >= 0.15 * len(statements) for stance in STANCES)
    groups = _by_document(statements)
    assert sum(len(group) for group in groups.values() if len(group) > 1) >= least_in_groups


def test_a_contrast_group_holds_different_stances(statements: list[LabelledStatement]) -> None:
    """What differs in a clause differs in its label."""
    for group in _by_document(statements).values():
        if len(group) > 1:
            assert len({s.stance for s in group}) > 1, group[0].document


def test_each_scenario_is_its_own(statements: list[LabelledStatement]) -> None:
    """Outside of its group no statement shares half of its word 3-grams with another."""
    holders: dict[str, set[int]] = defaultdict(set)
    sets = [shingles(s.text) for s in statements]
    for i, mine in enumerate(sets):
        for shingle in mine:
            holders[shingle].add(i)
    for i, mine in enumerate(sets):
        shared = Counter(j for shingle in mine for j in holders[shingle])
        for j, count in shared.items():
            if statements[i].document != statements[j].document:
                assert count < 0.5 * len(mine), (statements[i].id, statements[j].id)


def test_held_out_statements_are_not_trained_on() -> None:
    """No document and no near-duplicate stands in both."""
    own, held_out = read_statements(OWN), read_statements(HELD_OUT)
    assert not {s.document for s in own} & {s.document for s in held_out}
    pairs = near_duplicates([s.text for s in [*own, *held_out]])
    assert not [(i, j) for i, j in pairs if i < len(own) <= j]


def test_conditional_statements_have_their_condition_marked(statements: list[LabelledStatement]) -> None:
    """And those without a price have none."""
    for statement in statements:
        if statement.stance == "conditional":
            assert statement.condition, statement.id
        if statement.stance in ("conciliatory", "none"):
            assert statement.condition is None, statement.id


def _by_document(statements: list[LabelledStatement]) -> dict[str, list[LabelledStatement]]:
    groups: dict[str, list[LabelledStatement]] = defaultdict(list)
    for statement in statements:
        groups[statement.document].append(statement)
    return groups
