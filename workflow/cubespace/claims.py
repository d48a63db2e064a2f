"""What a claim of the paper looks like in the scorecard."""

import numpy as np

COLUMNS = ("claim", "paper", "truth", "recovered", "ci_low", "ci_high", "verdict", "criterion", "note")


def claim(
    text, criterion, paper="", truth="", recovered=np.nan, interval=(np.nan, np.nan), verdict=None, note=""
):
    """One row; `verdict` True, False or None (not tested)."""
    word = "not tested" if verdict is None else "agrees" if verdict else "disagrees"
    return dict(
        zip(COLUMNS, (text, paper, truth, recovered, *interval, word, criterion, note or None), strict=True)
    )
