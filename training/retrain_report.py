"""The page of a retraining: the verdict with every check, what was read, and what a person should look at."""

from collections import Counter
from pathlib import Path

from models.stance import STANCES
from training.gate import Verdict
from training.gather import Gathered, write_atomically

_MOST = 50


def write_report(
    target: Path,
    gathered: Gathered,
    verdict: Verdict | None,
    *,
    suspects: list[str],
    outcome: str,
    champion: str | None,
) -> None:
    """Write the page in Markdown."""
    lines = [f"# Retraining: {outcome}", "", f"Champion challenged: {champion or 'none, the registry was empty'}.", ""]
    lines += _verdict(verdict) if verdict else []
    lines += _labels(gathered)
    lines += _listed("Labels to look at again, not changed", suspects)
    write_atomically(target, "\n".join(lines) + "\n")


def _verdict(verdict: Verdict) -> list[str]:
    lines = [
        f"Judged by {verdict.mode} on {verdict.evaluation_set}: n = {verdict.n}, look {verdict.looks} at this set.", "",
        "| check | figure | bound | n | passed | beside |", "| --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    lines += [
        f"| {c.name} | {c.value:.4f} | {c.bound} | {c.n} | {'yes' if c.passed else '**no**'} | {c.beside} |"
        for c in verdict.checks
    ]
    lines += ["", *(f"Against it: {reason}." for reason in verdict.reasons)]
    lines += (
        ["", "Smaller falls, not significant:", "", *(f"- {fall}" for fall in verdict.falls)] if verdict.falls else []
    )
    return [*lines, ""]


def _labels(gathered: Gathered) -> list[str]:
    merged, reading = gathered.merged, gathered.reading
    counts = Counter(s.stance for s in gathered.decided)
    alpha = "not measured (too few texts with two labels)" if merged.alpha is None else f"{merged.alpha:.3f}"
    lines = [
        "## Labels", "",
        f"{len(reading.labels)} labels of {len({label.who for label in reading.labels})} people on "
        f"{len(gathered.decided)} decided texts ({', '.join(f'{stance} {counts[stance]}' for stance in STANCES)}); "
        f"{len(gathered.held_back)} held back to judge by; {gathered.leaks} statements left out of training as near to "
        f"what is judged by. Krippendorff's alpha: {alpha}.", "",
    ]  # fmt: skip
    lines += [f"- {remark}" for remark in gathered.remarks]
    lines += _listed("Rows with a fault", [str(fault) for fault in reading.faults])
    disputes = [
        f"{merged.provenance[key][0].text[:80]} ({', '.join(f'{who}: {stance}' for who, stance in votes.items())})"
        for key, votes in merged.disputed.items()
    ]
    return lines + _listed("Disputed texts", disputes)


def _listed(title: str, entries: list[str]) -> list[str]:
    if not entries:
        return []
    more = [f"- and {len(entries) - _MOST} more"] if len(entries) > _MOST else []
    return ["", f"## {title}: {len(entries)}", "", *(f"- {entry}" for entry in entries[:_MOST]), *more]
