"""The model card: README.md of a model folder, in Hugging Face's format with a model-index."""

from models.manifest import Manifest, Measured
from models.stance import STANCES

_NAMES = {
    "macro_f1_four": "macro-F1 over conciliatory, conditional, hostile and none",
    "macro_f1_three": "macro-F1 of the leaning over the three stances",
    "condition_token_f1": "condition, F1 of words",
    "condition_exact": "condition, share marked exactly",
    "calibration_error": "calibration error, 15 bins of equal mass",
}
_SIDES = {
    "tuning": "a tenth of the training documents, chosen and calibrated by",
    "dev": "doubly annotated statements of other documents",
    "held_out": "written for the project, contrast groups, hard on purpose",
    "held_out_second": "written for the project, contrast groups and statements as in running text",
}


def write_card(manifest: Manifest) -> str:
    """Write the card of a model from what its manifest declares."""
    return f"""---
license: apache-2.0
language: [{", ".join(manifest.languages)}]
pipeline_tag: text-classification
library_name: ctranslate2
base_model: {manifest.base}
tags: [stance, diplomacy, international-relations]
model-index:
- name: {manifest.version}
  results:
{_results(manifest)}---

# Stance of diplomatic statements: {manifest.version}

Reads one English statement by, or attributed to, a political actor and says how it stands towards the other
side: {", ".join(STANCES)} (no stance is expressed). For conditional statements and contingent threats it
marks the words of the condition.

- Base: `{manifest.base}`, weights SHA-256 `{manifest.base_sum}`.
- Trained on {manifest.trained_on}, on {manifest.n_training:,} labelled statements (SHA-256 `{manifest.data_hash}`), by
  the command that `docs/model.md` names (the default model: `make distil`), with the config
  of SHA-256 `{manifest.config_hash}`.
- Weights are int8, run by CTranslate2. A window holds {manifest.max_tokens} tokens; longer texts are read in
  windows that overlap by {manifest.window_overlap}, and the one that most surely expresses a stance decides.
- Probabilities are calibrated (temperature {manifest.temperature:.3f}, its slope and a bias for each stance). Answers
  whose highest probability is below {manifest.uncertain_below:.3f} abstain as `uncertain`. Where a coverage is
  asked for, conformal thresholds for each stance decide instead. Texts with more than
  {manifest.unfamiliar_above:.2f} pieces a word abstain as `unfamiliar`: other languages, or none.

## Figures

| side | figure | value | 95 % interval over documents | statements |
| --- | --- | --- | --- | --- |
{_rows(manifest)}
## Limits

Labels of the training side were made by language models from a codebook; some are wrong, most often between a
stance and none. Most sources are official English or translations into it, from 1946 to 2026; other languages are
outside of what was measured. The model judges a statement by its own words: it does not know who is
speaking, or what was said before. Where speakers mean more than they say, expect it to miss it. Do not let
it decide anything about a person or a state unread.
"""


def _figures(manifest: Manifest) -> list[tuple[str, str, Measured]]:
    return [
        (side, name, manifest.figures[side][name])
        for side in _SIDES
        for name in _NAMES
        if name in manifest.figures.get(side, {})
    ]


def _rows(manifest: Manifest) -> str:
    return "".join(
        f"| {side} ({_SIDES[side]}) | {_NAMES[name]} | {figure.value:.3f} | {_interval(figure)} | {figure.n:,} |\n"
        for side, name, figure in _figures(manifest)
    )


def _interval(figure: Measured) -> str:
    return "-" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"


def _results(manifest: Manifest) -> str:
    return "".join(
        f"""  - task: {{type: text-classification}}
    dataset: {{type: labelled-diplomatic-statements, name: {side}, split: {side}}}
    metrics:
    - {{type: {name}, name: "{_NAMES[name]}", value: {figure.value}}}
"""
        for side, name, figure in _figures(manifest)
    )
