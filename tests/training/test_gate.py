"""The gate says yes to what is better, and names what is not as it must be."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.errors import DataError
from models.settings import read_settings
from training.gate import Contestant, EvaluationSet, GateRules, judge
from training.gate_simulation import World, lasting_loss, promotion_rates

RULES = read_settings(Path(__file__).parent.parent.parent / "configs" / "gate.toml", GateRules)
REFRESH = RULES.model_copy(update={"mode": "refresh"})
N = 800
GOLD = np.arange(N) % 4
ON = EvaluationSet("made", GOLD, np.arange(N), {"north": np.arange(N) < 200, "tiny": np.arange(N) < 20})


def _answers(wrong: np.ndarray, *, sure: float = 0.85) -> Contestant:
    """Answer rightly but at the positions given."""
    predicted = np.where(np.isin(np.arange(N), wrong), (GOLD + 1) % 4, GOLD)
    probabilities = np.full((N, 4), (1 - sure) / 3)
    probabilities[np.arange(N), predicted] = sure
    return Contestant(probabilities, {"groups": np.arange(60) < 50}, n_bytes=1000, milliseconds=5.0)


CHAMPION = _answers(np.arange(200, 360))
BETTER = _answers(np.arange(200, 300))


def _failed(challenger: Contestant, *, anchor: Contestant | None = None, rules: GateRules = RULES) -> set[str]:
    return {check.name for check in judge(ON, CHAMPION, challenger, anchor, rules).checks if not check.passed}


def test_a_clearly_better_one_is_promoted() -> None:
    """Sixty errors of a hundred and sixty are gone; every check carries its n."""
    verdict = judge(ON, CHAMPION, BETTER, CHAMPION, RULES)
    assert verdict.promote
    assert [] == verdict.reasons
    assert N == verdict.n
    assert all(check.n > 0 for check in verdict.checks)


def test_the_champion_itself_is_not_better_but_a_fine_refresh() -> None:
    """Difference 0: no proof of more, proof of no less."""
    assert {"macro-F1, lower bound"} == _failed(CHAMPION)
    assert set() == _failed(CHAMPION, rules=REFRESH)


def test_a_slice_that_becomes_worse_refuses_a_better_whole() -> None:
    """Twelve of two hundred in the north are lost: p = 2^-12, and Holm leaves it below 0.05."""
    lost = _answers(np.concatenate([np.arange(12), np.arange(200, 280)]))
    assert {"slices and suites, least p"} == _failed(lost)
    verdict = judge(ON, CHAMPION, lost, None, RULES)
    assert "worse: north" in " ".join(check.beside for check in verdict.checks)


def test_a_small_fall_is_listed_and_not_refused() -> None:
    """Two of two hundred could be chance."""
    verdict = judge(ON, CHAMPION, _answers(np.concatenate([[1, 2], np.arange(200, 290)])), None, RULES)
    assert verdict.promote
    assert ["north: -0.010 of 200, p = 0.500 after Holm"] == list(verdict.falls)


def test_a_suite_of_written_cases_counts_as_a_slice_does() -> None:
    """A dozen groups of sixty are lost."""
    worse = replace(BETTER, suites={"groups": np.arange(60) < 38})
    assert {"slices and suites, least p"} == _failed(worse)


def test_bad_calibration_size_and_slowness_are_refused() -> None:
    """Each by its own check."""
    assert {"calibration error, rise"} == _failed(_answers(np.arange(200, 300), sure=0.3))
    assert {"size in bytes"} == _failed(replace(BETTER, n_bytes=RULES.most_bytes + 1))
    assert {"milliseconds an answer"} == _failed(replace(BETTER, milliseconds=RULES.most_milliseconds * 2))


def test_conditional_has_a_floor() -> None:
    """Of 200 conditional statements 90 are missed, though the whole is not worse than the champion."""
    missed = _answers(np.flatnonzero(GOLD == 1)[:90])
    assert "recall of conditional" in _failed(missed, rules=REFRESH)


def test_small_losses_against_the_anchor_add_up() -> None:
    """As good as the champion of the day, but forty errors behind the first."""
    assert {"anchor, lower bound"} == _failed(CHAMPION, anchor=_answers(np.arange(200, 320)), rules=REFRESH)


def test_each_look_makes_the_anchor_s_bound_stricter() -> None:
    """One alpha is shared over the looks."""
    bounds = [judge(replace(ON, looks=n), CHAMPION, BETTER, CHAMPION, RULES).checks[1].value for n in (1, 12)]
    assert bounds[1] < bounds[0]


def test_too_few_statements_and_other_suites_are_refused() -> None:
    """Nothing is judged by them."""
    with pytest.raises(DataError, match="800 statements to judge by; the rules ask for 900"):
        judge(ON, CHAMPION, BETTER, None, RULES.model_copy(update={"fewest": 900}))
    with pytest.raises(DataError, match="suite groups: both models must be asked the same 60 cases"):
        judge(ON, CHAMPION, replace(BETTER, suites={}), None, RULES)


def test_the_simulated_gate_tells_better_from_equal() -> None:
    """Few runs, so wide limits: docs/retraining.md has the figures."""
    world = World(np.linspace(1.6, 2.8, 13), np.linspace(0.757, 0.955, 13))
    rules = [RULES.model_copy(update={"draws": 200})]
    equal, better = (promotion_rates(world, d, n=600, runs=12, rules=rules, seed=3)[0] for d in (0.0, 0.05))
    assert equal <= 0.25
    assert better >= 0.5
    lost, promotions = lasting_loss(world, -0.05, 0.0, n=600, runs=2, steps=3, rules=rules[0], seed=3)
    assert 0 == lost
    assert 0 == promotions
