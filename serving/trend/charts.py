"""The page's charts, as SVG that needs nothing around it."""

import io
import re
from collections.abc import Mapping, Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from models.stance import STANCES, Stance
from serving.trend.changes import find_changes
from serving.trend.tally import Figures

# Told apart in print and by the colour-blind (Okabe and Ito 2008).
COLOURS = {
    Stance.CONCILIATORY: "#009e73",
    Stance.CONDITIONAL: "#e69f00",
    Stance.HOSTILE: "#d55e00",
    Stance.NONE: "#999999",
}
_WIDTH = 9.0
_STYLE = {"font.size": 10, "svg.fonttype": "path", "svg.hashsalt": "detente"}
_MOST_TICKS = 12


def draw_shares(figures: Figures) -> str:
    """Draw the shares of the four stances, with intervals."""
    figure, axes = _figure(2.3)
    for row, stance in enumerate(STANCES):
        share = figures.shares[stance]
        axes.barh(row, share.value, color=COLOURS[stance], height=0.6)
        axes.errorbar(share.value, row, xerr=_reach([share.value], [share.low], [share.high]), color="#333", capsize=3)
    axes.set_yticks(range(len(STANCES)), [str(stance) for stance in STANCES])
    axes.invert_yaxis()
    return _finish(figure, axes, x="share of statements")


def draw_periods(figures: Sequence[Figures]) -> str:
    """Draw the shares over time, stacked, and below them the index with its interval and its changes of level."""
    figure = Figure(figsize=(_WIDTH, 5.2), layout="constrained")
    FigureCanvasSVG(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    positions = range(len(figures))
    bottoms = [0.0] * len(figures)
    for stance in STANCES:
        heights = [each.shares[stance].value for each in figures]
        above.bar(positions, heights, bottom=bottoms, color=COLOURS[stance], label=str(stance), width=0.9)
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    above.legend(ncols=len(STANCES), loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
    above.set_ylabel("share")
    index = [each.index for each in figures]
    below.fill_between(positions, [each.low for each in index], [each.high for each in index], color="#cfd8e3")
    below.plot(positions, [each.value for each in index], color="#1f3b57", marker="o", markersize=3)
    for change in find_changes([each.value for each in index]):
        below.axvline(change - 0.5, color="#333", linestyle="--", linewidth=1)
    below.axhline(0, color="#333", linewidth=0.6)
    step = -(-len(figures) // _MOST_TICKS)
    below.set_xticks(positions[::step], [each.period for each in figures[::step]])
    return _finish(figure, below, y="conciliatory − hostile")


def draw_speakers(figures: Sequence[Figures]) -> str:
    """Draw each speaker's share of conciliatory and of hostile statements, with intervals and counts."""
    figure, axes = _figure(0.9 + 0.42 * len(figures))
    for shift, stance in ((-0.14, Stance.CONCILIATORY), (0.14, Stance.HOSTILE)):
        shares = [each.shares[stance] for each in figures]
        values = [share.value for share in shares]
        reach = _reach(values, [share.low for share in shares], [share.high for share in shares])
        rows = [row + shift for row in range(len(figures))]
        axes.errorbar(values, rows, xerr=reach, fmt="o", color=COLOURS[stance], capsize=3, label=str(stance))
    axes.set_yticks(range(len(figures)), [f"{_short(each.group)}  ({each.rows:,})" for each in figures])
    axes.invert_yaxis()
    axes.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
    return _finish(figure, axes, x="share of the speaker's statements")


def draw_scores(found: Mapping[Stance, Sequence[int]], reference: Mapping[Stance, Sequence[int]]) -> str:
    """Draw how each stance's probability is spread, beside how it was when the model was tuned."""
    figure = Figure(figsize=(_WIDTH, 2.4), layout="constrained")
    FigureCanvasSVG(figure)
    for axes, stance in zip(figure.subplots(1, len(STANCES), sharey=True), STANCES, strict=True):
        bins = len(found[stance])
        middles = [(number + 0.5) / bins for number in range(bins)]
        axes.bar(middles, _parts(found[stance]), width=0.9 / bins, color=COLOURS[stance])
        axes.step(middles, _parts(reference.get(stance, [0] * bins)), where="mid", color="#222", linewidth=1)
        axes.set_title(str(stance), fontsize=10)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.5, 1])
    return _svg(figure)


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.subplots()


def _finish(figure: Figure, axes: Axes, *, x: str = "", y: str = "") -> str:
    if x:
        axes.set_xlim(0, 1)
        axes.set_xlabel(x)
        axes.grid(axis="x", color="#ddd")
    if y:
        axes.set_ylabel(y)
        axes.grid(axis="y", color="#ddd")
    for each in figure.axes:
        each.set_axisbelow(b=True)
        each.spines[["top", "right"]].set_visible(False)
    return _svg(figure)


def _svg(figure: Figure) -> str:
    written = io.StringIO()
    with rc_context(_STYLE):
        figure.savefig(written, format="svg", metadata={"Date": None})
    return re.sub(r"^.*?(?=<svg)", "", written.getvalue(), flags=re.DOTALL)


def _reach(values: Sequence[float], lows: Sequence[float], highs: Sequence[float]) -> list[list[float]]:
    below = [max(0.0, value - low) for value, low in zip(values, lows, strict=True)]
    return [below, [max(0.0, high - value) for value, high in zip(values, highs, strict=True)]]


def _parts(counts: Sequence[int]) -> list[float]:
    return [count / max(1, sum(counts)) for count in counts]


def _short(name: str, most: int = 28) -> str:
    # A dollar sign would begin a formula.
    plain = name.replace("$", r"\$") or "(nobody named)"
    return plain if len(plain) <= most else plain[: most - 1] + "…"
