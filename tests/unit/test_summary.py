"""The summary says what the tables say, in words."""

import pandas as pd

from cubespace import summary

GALAXIES = pd.DataFrame({"galaxy": list("abcd"), "role": ["train", "train", "validation", "embed"]})


def test_sample_line_names_the_rejected():
    verdicts = pd.DataFrame({"galaxy": list("abcd"), "verdict": ["accepted"] * 3 + ["rejected"], "reason": [None] * 3 + ["truncated"]})
    line = summary.sample_line("X", GALAXIES, verdicts)
    assert line == "X: 4 galaxies (2 train, 1 validation, 1 embed); 1 rejected (truncated 1): d"
    assert summary.sample_line("X", GALAXIES, verdicts[:3]).endswith("all accepted")


def test_variance_line_counts_components():
    table = pd.DataFrame({"component": [1, 2, 3], "cumulative": [0.6, 0.85, 0.95]})
    assert "3 principal components hold 90 %" in summary.variance_line(table)


def test_training_line_takes_the_best_epoch():
    history = pd.DataFrame({"epoch": [1, 2, 3], "validation_loss": [3.0, 2.0, 2.5], "chance_validation": [3.7] * 3})
    assert summary.training_line({"full": history}) == "network: full 3 epochs, best validation loss 2.00 (chance 3.70)"


def test_correlations_are_ordered_by_strength_over_the_leading_components():
    table = pd.DataFrame(
        {"component": [1, 2, 5, 1], "property": ["log_mass", "log_mass", "redshift", "log_ew_ha"], "pearson_r": [0.2, -0.9, 1.0, 0.5]}
    )
    assert summary.correlation_line(table).endswith(": mass 0.90, EW(Ha) 0.50")


def test_comparisons_say_what_was_not_tested_and_what_would_have_been_missed():
    table = pd.DataFrame(
        {
            "a": ["passive", "void", "AGN", "AGN"], "b": ["SF", "cluster", "SF", "SF"], "matched": [False, False, False, True],
            "test": "energy", "n_a": [40, 2, 20, 9], "n_b": [60, 30, 60, 9], "p_value": [0.0005, None, 0.2, 0.4],
            "minimum_detectable_effect": [0.3, None, 0.75, None],
        }
    )  # fmt: skip
    first, second = summary.comparison_lines(table)
    assert "passive - SF (40, 60) p < 0.001;" in first and "void - cluster (2, 30) not tested" in first
    assert "AGN - SF (20, 60) p = 0.200, blind below 0.75 sd" in first
    assert second.endswith("AGN - SF (9 pairs) p = 0.400")
    among = pd.concat([table.assign(p_value=0.04, among="train"), table.assign(among=None)], ignore_index=True)
    assert summary.comparison_lines(among) == [first, second]  # of all galaxies, not of those of one role


def test_missing_probes_are_a_dash():
    table = pd.DataFrame({"property": ["log_mass"], "network": [0.9], "untrained": [None], "pooled_pca": [0.5]})
    assert summary.probes_line(table).endswith("mass 0.90 (-, 0.50)")


def test_the_truth_of_a_mock_has_a_line_of_its_own():
    table = pd.DataFrame({"property": ["log_mass"], "network": [0.9], "untrained": [0.8], "pooled_pca": [0.5]})
    assert summary.probes_line(table).startswith("ridge R2 of the table, network")
    assert summary.probes_line(table, "the truth") == "ridge R2 of the truth, network (untrained, pooled PCA): mass 0.90 (0.80, 0.50)"
