"""The scorecard study: the whole pipeline on several mock surveys, and differences planted in one of them."""
