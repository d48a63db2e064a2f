"""Tables of embeddings with planted content, for tests."""

import numpy as np
import pandas as pd

from cubespace.tables import write_table


def embedding_table(path, vectors, roles=None, galaxies=None):
    """Write vectors (n, d) as an embedding of galaxies G000 and on (role train unless given); returns the table."""
    n = len(vectors)
    frame = pd.DataFrame(
        {
            "galaxy": galaxies if galaxies is not None else [f"G{i:03d}" for i in range(n)],
            "role": roles if roles is not None else ["train"] * n,
            **{f"r{j:03d}": np.asarray(vectors, np.float32)[:, j] for j in range(vectors.shape[1])},
            "spread": np.full(n, 0.01),
        }
    )
    write_table(frame, path, meta={"release_digest": "abc"})
    return frame


def two_samples(n_a, n_b, shift=0.0, seed=0, d=4):
    """(vectors (n, d), labels (n,) bool) of two normal populations, b moved by `shift` along the first axis."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n_a + n_b, d)) + 3
    vectors[n_a:, 0] += shift
    return vectors, np.arange(n_a + n_b) >= n_a
