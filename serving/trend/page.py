"""One self-contained page about a batch run, for people who would rather look."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from models.manifest import Manifest
from models.stance import STANCES, Stance
from serving.trend.charts import COLOURS, draw_periods, draw_scores, draw_shares, draw_speakers
from serving.trend.findings import Columns, Findings, gather, stability_index
from serving.trend.tally import ALL, Every, Figures, figures_of

_SPEAKERS = 20
_CONDITIONS = 15
_MONTHS = 120
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 58rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
svg { width: 100%; height: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.note { color: #555; font-size: .9rem; } blockquote { margin: .6rem 0; padding-left: .8rem; border-left: .3rem solid; }
@media print { body { margin: 0; max-width: none; font-size: 11pt; } section { break-inside: avoid; } }
"""


def write_page(out: Path, page: Path, columns: Columns, manifest: Manifest) -> None:
    """
    Write the page about an output.

    Raises:
        TableError: it has not the columns that are named.
    """
    every = Every.MONTH
    findings = gather(out, columns, every)
    if _are_months_too_fine(findings):
        every = Every.YEAR
        findings = gather(out, columns, every)
    parts = "".join(_sections(findings, manifest, every))
    title = f"Stances in {escape(out.name)}"
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    content = f'<!DOCTYPE html><html lang="en"><head>{head}</head><body><h1>{title}</h1>{parts}</body></html>\n'
    neighbour = page.with_name(page.name + ".part")
    neighbour.write_text(content, encoding="utf-8")
    neighbour.replace(page)


def _are_months_too_fine(findings: Findings) -> bool:
    """Claim that most dates have no month, or that there are more months than a chart has room for."""
    return 2 * findings.undated > findings.stances.total() or len(findings.by_period.counts) > _MONTHS


def _sections(findings: Findings, manifest: Manifest, every: Every) -> Iterator[str]:
    rows = findings.stances.total()
    rejected = f", {findings.rejected:,} could not" if findings.rejected else ""
    yield (
        f"<p>{rows:,} statements were scored{rejected}; {findings.abstained:,} of the answers should not be relied"
        f" on (abstained). Model {escape(manifest.version)}. Lines and whiskers are 95 % intervals.</p>"
    )
    if not rows:
        return
    yield _section("Stances", draw_shares(figures_of(ALL, "", findings.stances)))
    undated = f"{findings.undated:,} statements had no date that could be read." if findings.undated else ""
    if periods := findings.by_period.figures():
        note = f"By {every}. A dashed line: another level of the index begins. {undated}"
        yield _section("Over time", draw_periods(periods) + _note(note))
    elif undated:
        yield _section("Over time", _note(undated))
    if speakers := findings.by_speaker.figures():
        yield _section("By speaker", _speakers(speakers))
    yield _section("The most confident statement of each stance", "".join(_examples(findings)))
    if findings.conditions:
        yield _section("Conditions most often put", _conditions(findings))
    yield _section("Scores", _scores(findings, manifest))


def _speakers(figures: Sequence[Figures]) -> str:
    most = sorted(figures, key=lambda each: -each.rows)[:_SPEAKERS]
    left_out = len(figures) - len(most)
    note = f"The {len(most)} with the most statements; {left_out:,} others are left out." if left_out else ""
    return draw_speakers(most) + _note(note)


def _examples(findings: Findings) -> Iterator[str]:
    for stance in STANCES:
        if example := findings.examples.get(stance):
            said = f" — {escape(example.speaker)}" if example.speaker else ""
            label = f"<strong>{stance}</strong>, {example.probability:.2f}{said}"
            yield f'<blockquote style="border-color:{COLOURS[stance]}">{label}<br>{escape(example.text)}</blockquote>'


def _conditions(findings: Findings) -> str:
    rows = [(escape(words), f"{count:,}") for words, count in findings.conditions.most_common(_CONDITIONS)]
    return _table(("condition", "times"), rows)


def _scores(findings: Findings, manifest: Manifest) -> str:
    reference: Mapping[Stance, Sequence[int]] = manifest.score_histograms
    indices = stability_index(reference, findings.histograms)
    rows = [(str(stance), f"{index:.3f}") for stance, index in indices.items()]
    note = "Bars: these statements; the line: those that the model was tuned on. The index is the population stability"
    note += " index: below 0.1 no shift, from 0.25 on a great one, where the answers deserve a check by hand."
    chart = draw_scores(findings.histograms, reference)
    return chart + _note(note) + (_table(("stance", "stability index"), rows) if rows else "")


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def _note(text: str) -> str:
    return f'<p class="note">{text}</p>' if text.strip() else ""


def _table(head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    body = "".join(f'<tr><td>{name}</td><td class="n">{value}</td></tr>' for name, value in rows)
    return f'<table><tr><th>{head[0]}</th><th class="n">{head[1]}</th></tr>{body}</table>'
