"""cubespace: from integral-field cubes of galaxies to a representation space, and from it to populations."""

__version__ = "0.1.0"
