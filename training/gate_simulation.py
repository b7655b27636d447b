"""The whole gate on simulated models whose true difference is known: how often it promotes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from tqdm import tqdm

from training.gate import Contestant, EvaluationSet, GateRules, judge

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Shares of the stances, macro-F1 some 0.85, and some 7 % of statements on which two trainings of one recipe differ.
_SHARES = np.array([0.22, 0.13, 0.22, 0.43])
_STRENGTH = 2.15
_KEPT = 0.93
_POPULATION = 200_000
_SUITE_CASES = 80
_BYTES, _MILLISECONDS = 1, 1.0


@dataclass(frozen=True, slots=True)
class World:
    """
    A reader's evidence for a stance of strength s is s at the gold stance, plus noise of its own.

    With normal noise the posterior is exact, so that every simulated reader is calibrated.

    Attributes:
        strengths: rising; `macro_f1` what a reader of each truly reaches.
    """

    strengths: Floats
    macro_f1: Floats

    def strength_for(self, difference: float) -> float:
        """Give the strength whose true macro-F1 is away from the champion's by `difference`."""
        wanted = float(np.interp(_STRENGTH, self.strengths, self.macro_f1)) + difference
        return float(np.interp(wanted, self.macro_f1, self.strengths))


def make_world() -> World:
    """Measure what readers of many strengths truly reach, on one large population."""
    random = np.random.default_rng(1)
    gold = random.choice(4, p=_SHARES, size=_POPULATION)
    noise = random.standard_normal((_POPULATION, 4))
    strengths = np.linspace(1.6, 2.8, 25)
    reached = []
    for strength in strengths:
        predicted = _read(gold, noise, float(strength)).argmax(axis=1)
        reached.append(f1_score(gold, predicted, average="macro"))
    return World(strengths, np.array(reached))


def promotion_rates(
    world: World, difference: float, *, n: int, runs: int, rules: Sequence[GateRules], seed: int
) -> list[float]:
    """Give, for each set of rules, the share of runs in which a challenger of a true difference is promoted."""
    promoted = np.zeros(len(rules))
    for run in tqdm(range(runs), desc=f"{difference:+.2f} at {n}", mininterval=5):
        random = np.random.default_rng([seed, run, n])
        stage = _Stage.open(random, n)
        champion = stage.contestant(stage.noise(), _STRENGTH)
        challenger = stage.contestant(stage.moved(stage.first_noise), world.strength_for(difference))
        promoted += [judge(stage.on, champion, challenger, champion, one).promote for one in rules]
    return [float(share) for share in promoted / runs]


def lasting_loss(
    world: World, drift: float, spread: float, *, n: int, runs: int, steps: int, rules: GateRules, seed: int
) -> tuple[float, float]:
    """
    Let `steps` challengers in a row come up against one set, each trained from the champion of its day.

    Each truly differs from that champion by a normal draw of mean `drift` and deviation `spread`.

    Returns:
        The share of runs that end more than 0.02 truly below the first champion, and the promotions a run.
    """
    lost, promotions = 0, 0
    for run in tqdm(range(runs), desc=f"{steps} in a row, {drift:+.3f} each", mininterval=5):
        random = np.random.default_rng([seed, run, n, 77])
        stage = _Stage.open(random, n)
        true, noise = 0.0, stage.noise()
        anchor = champion = stage.contestant(noise, _STRENGTH)
        for look in range(1, steps + 1):
            at = true + drift + spread * float(random.standard_normal())
            moved = stage.moved(noise)
            challenger = stage.contestant(moved, world.strength_for(at))
            if judge(stage.looked(look), champion, challenger, anchor, rules).promote:
                champion, noise, true = challenger, moved, at
                promotions += 1
        lost += true < -0.02  # noqa: PLR2004
    return lost / runs, promotions / runs


@dataclass(slots=True)
class _Stage:
    """One drawn evaluation set with its written cases, and the readers' noise on both."""

    random: np.random.Generator
    gold: Ints
    on: EvaluationSet
    first_noise: Floats

    @classmethod
    def open(cls, random: np.random.Generator, n: int) -> "_Stage":
        gold = random.choice(4, p=_SHARES, size=n + _SUITE_CASES)
        documents = np.arange(n) // 2
        on = EvaluationSet("simulated", gold[:n], documents, _draw_slices(random, gold[:n], documents))
        return cls(random, gold, on, random.standard_normal((len(gold), 4)))

    def noise(self) -> Floats:
        return self.first_noise

    def moved(self, noise: Floats) -> Floats:
        fresh = self.random.standard_normal(noise.shape)
        return np.asarray(_KEPT * noise + np.sqrt(1 - _KEPT**2) * fresh)

    def contestant(self, noise: Floats, strength: float) -> Contestant:
        probabilities = _read(self.gold, noise, strength)
        n = len(self.on.gold)
        right = probabilities[n:].argmax(axis=1) == self.gold[n:]
        return Contestant(probabilities[:n], {"contrast groups": right}, _BYTES, _MILLISECONDS)

    def looked(self, looks: int) -> EvaluationSet:
        on = self.on
        return EvaluationSet(on.name, on.gold, on.documents, on.slices, looks)


def _read(gold: Ints, noise: Floats, strength: float) -> Floats:
    """Give the posterior (n, 4) of evidence = strength at gold + noise."""
    evidence = noise.copy()
    evidence[np.arange(len(gold)), gold] += strength
    scores = strength * evidence + np.log(_SHARES)
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


def _draw_slices(random: np.random.Generator, gold: Ints, documents: Ints) -> dict[str, NDArray[np.bool_]]:
    """Cut by eight sources, four periods, three languages (by document), four stances and three lengths."""
    slices = {f"stance {i}": gold == i for i in range(4)}
    for name, kinds in (("source", 8), ("period", 4), ("language", 3)):
        kind = random.integers(kinds, size=int(documents.max()) + 1)[documents]
        slices |= {f"{name} {i}": kind == i for i in range(kinds)}
    length = random.integers(3, size=len(gold))
    return slices | {f"length {i}": length == i for i in range(3)}


def report(*, runs: int, rules: GateRules) -> str:
    """Lay promotion rates out as Markdown: by true difference, and over twelve retrainings in a row."""
    world = make_world()
    modes = [rules.model_copy(update={"mode": mode}) for mode in ("superiority", "refresh")]
    lines = [
        f"{runs} simulations a row.",
        "",
        "| true difference | n | superiority | refresh |",
        "| --- | --- | --- | --- |",
    ]
    for n in (600, 1200):
        for difference in (-0.05, -0.02, -0.01, 0.0, 0.02, 0.05):
            rates = promotion_rates(world, difference, n=n, runs=runs, rules=modes, seed=7)
            lines.append(f"| {difference:+.2f} | {n} | {rates[0]:.1%} | {rates[1]:.1%} |")
    lines += ["", "| each of 12 in a row | mode | lost more than 0.02 | promotions |", "| --- | --- | --- | --- |"]
    for drift, spread in ((0.0, 0.01), (-0.005, 0.01), (-0.01, 0.005)):
        for one in modes:
            lost, promotions = lasting_loss(world, drift, spread, n=1200, runs=runs // 2, steps=12, rules=one, seed=8)
            lines.append(f"| {drift:+.3f} ± {spread} | {one.mode} | {lost:.1%} | {promotions:.1f} |")
    return "\n".join(lines) + "\n"
