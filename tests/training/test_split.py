"""Sides by document, near-duplicates together."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from models.stance import Stance
from training.data import LabelledStatement
from training.split import leave_out_near, near_duplicates, shingles, split_sides

WORDS = "the envoy of the northern league will carry our reply to the council of the coast before winter comes".split()


def _statement(n: int, document: str, text: str) -> LabelledStatement:
    return LabelledStatement(f"s{n}", text, Stance.NONE, 3, None, "own", document)


def test_no_document_stands_on_both_sides() -> None:
    """400 documents of two statements each: a tenth of them, and all of each, on the tuning side."""
    statements = [_statement(n, f"d{n // 2}", f"note {n} of day {n * 7} about matter {n * 13}") for n in range(800)]
    training, tuning = split_sides(statements, share=0.1, seed=1)
    assert not {s.document for s in training} & {s.document for s in tuning}
    assert len(training) + len(tuning) == 800
    assert 50 <= len(tuning) <= 110


def test_documents_with_near_duplicates_stand_together() -> None:
    """Twenty pairs of documents share one long sentence but for its last word."""
    statements = []
    for n in range(40):
        text = f"{n // 2} {' '.join(WORDS)} {n // 2} {'soon' if n % 2 else 'late'}"
        statements.append(_statement(n, f"d{n}", text.replace("envoy", f"envoy{n // 2}")))
    training, _ = split_sides(statements, share=0.5, seed=3)
    documents = {int(s.document[1:]) for s in training}
    assert 0 < len(documents) < 40
    assert all((n ^ 1) in documents for n in documents)


def test_what_is_near_to_evaluation_is_left_out() -> None:
    """The same text in other case, and any statement of the same document."""
    kept = _statement(0, "a", "Something else entirely was said in the harbour that day.")
    copied = _statement(1, "b", " ".join(WORDS).upper())
    sibling = _statement(2, "dev", "An unrelated remark on the price of salt.")
    dev = [_statement(3, "dev", " ".join(WORDS))]
    assert [kept] == leave_out_near([kept, copied, sibling], dev)


@given(st.lists(st.lists(st.sampled_from(WORDS[:6]), min_size=1, max_size=14).map(" ".join), max_size=14))
def test_near_duplicates_are_found_exactly(texts: list[str]) -> None:
    """Prefix filtering finds the pairs that comparing all with all finds."""
    sets = [shingles(text) for text in texts]
    expected = {
        (i, j) for i, j in combinations(range(len(texts)), 2) if len(sets[i] & sets[j]) >= 0.8 * len(sets[i] | sets[j])
    }
    assert expected == set(near_duplicates(texts))
