"""The scorecard on a page: every claim with its verdict, the paper's value, and what was found with its interval."""

import textwrap

import numpy as np

from cubespace.claims import VERDICTS
from cubespace.errors import CubespaceError
from cubespace.figures.frames import need, numbers, words
from cubespace.figures.style import GREY, INK, PAGE, SOFT, canvas, say, styled

LOOK = dict(zip(VERDICTS, (("#0072b2", "o"), ("#d55e00", "X"), (GREY, "s")), strict=True))
_ROW, _WIDE = 5.4, 76  # mm a claim; characters of a line
_COUNTS = ("fewest", "number", "rank")  # beginnings of criteria whose values are no shares


def shown(value, low, high):
    """'0.93 [0.90, 0.95]'; an interval of no width, or none, is left out."""
    if not np.isfinite(value):
        return "-"
    text = f"{value:.3g}"
    if np.isfinite(low) and np.isfinite(high) and high > low:
        text += f" [{low:.3g}, {high:.3g}]"
    return text


@styled
def draw(scorecard):
    """One line a claim: a mark for the verdict, the claim, the paper's value, the value found with its interval, and these on a
    scale from 0 to 1 where the value is a share, an AUC or a correlation (percentages too); a triangle at the left is below 0."""
    need(scorecard, ["claim", "paper", "recovered", "ci_low", "ci_high", "verdict"], "scorecard")
    verdict = words(scorecard, "verdict")
    if wrong := sorted({str(word) for word in verdict} - set(VERDICTS)):
        raise CubespaceError(f"scorecard: verdict {', '.join(wrong)}; allowed: {', '.join(VERDICTS)}")
    n = len(scorecard)
    if not n:
        figure = canvas(PAGE, 35)
        say(figure.subplots(), "the scorecard has no claim")
        return figure
    figure = canvas(PAGE, 16 + _ROW * n)
    left, right = figure.subplots(1, 2, width_ratios=(3.3, 1), sharey=True)
    left.set_axis_off()
    left.set(xlim=(0, 1), ylim=(n - 0.4, -1.6))
    for x, text in ((0.03, "claim"), (0.655, "paper"), (0.83, "found")):
        left.text(x, -1.0, text, fontsize=6.5, color=SOFT, va="center")
    value, low, high = (numbers(scorecard, name) for name in ("recovered", "ci_low", "ci_high"))
    paper = words(scorecard, "paper")
    for row, text in enumerate(words(scorecard, "claim")):
        colour, marker = LOOK[verdict[row]]
        left.plot(0.012, row, marker, color=colour, mew=0, ms=4.2, clip_on=False)
        left.text(0.03, row, textwrap.fill(text, _WIDE), fontsize=5.6, va="center", linespacing=0.95, color=INK)
        left.text(0.655, row, textwrap.fill(paper[row] or "", 22), fontsize=5.6, va="center", linespacing=0.95, color=INK)
        left.text(0.83, row, shown(value[row], low[row], high[row]), fontsize=5.6, va="center", color=INK)
    rules = [rule or "" for rule in words(scorecard, "criterion")]
    percent, count = np.array(["per cent" in rule for rule in rules]), np.array([rule.startswith(_COUNTS) for rule in rules])
    x, x_low, x_high = (np.where(percent, 0.01 * part, part) for part in (value, low, high))
    for row in np.flatnonzero(np.isfinite(x) & (np.abs(x) <= 1) & ~count):
        colour, marker = LOOK[verdict[row]]
        if np.isfinite(x_low[row]) and np.isfinite(x_high[row]):
            right.plot(np.clip([x_low[row], x_high[row]], 0, 1), [row, row], color=colour, lw=1.0, zorder=2)
        right.plot(max(x[row], 0), row, marker if x[row] >= 0 else "<", color=colour, mew=0, ms=3.6, zorder=3, clip_on=False)
    right.hlines(np.arange(n) + 0.5, 0, 1, color="#eeeeee", lw=0.4, zorder=0.5)
    right.set(xlim=(0, 1), xticks=(0, 0.25, 0.5, 0.75, 1), xlabel="value found")
    right.set_xticklabels(["0", "", "0.5", "", "1"])
    right.tick_params(axis="y", left=False, labelleft=False)
    right.spines[["top", "right", "left"]].set_visible(False)
    for word, (colour, marker) in LOOK.items():
        right.plot([], [], marker, color=colour, mew=0, ms=4.2, ls="none", label=f"{word} ({(verdict == word).sum()})")
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure
