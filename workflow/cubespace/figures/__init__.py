"""The figures: pure functions from tables to `matplotlib.figure.Figure`, and the registry that names them."""
