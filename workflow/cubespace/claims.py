"""What a claim of the paper looks like in the scorecard."""

import numpy as np

COLUMNS = ("claim", "paper", "truth", "recovered", "ci_low", "ci_high", "verdict", "criterion", "note")
VERDICTS = ("recovered", "not recovered", "undecided")


def claim(
    text, criterion, paper="", truth="", recovered=np.nan, interval=(np.nan, np.nan), verdict=None, note=""
):
    """One row; `verdict` True, False or None, if this run cannot say."""
    word = VERDICTS[2] if verdict is None else VERDICTS[0] if verdict else VERDICTS[1]
    return dict(
        zip(COLUMNS, (text, paper, truth, recovered, *interval, word, criterion, note or None), strict=True)
    )
