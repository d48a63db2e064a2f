"""Are two populations drawn from one distribution? Six tests with one interface on one matrix of cosine distances.

Every test offers ``statistic(D, labels)`` and ``test(D, labels, n_permutations, rng, pairs=None)``, which gives an
`Outcome`; each lives in a file of its own. Labels are False for population a and True for b. p-values come from permuting
labels, within the pairs where the populations are matched, as (1 + b) / (1 + B) (Phipson & Smyth 2010); permutations are
products of a matrix of label vectors, not a loop over tests.
"""

from cubespace.populations.classifier import C2ST
from cubespace.populations.energy import Energy
from cubespace.populations.mmd import MMD
from cubespace.populations.neighbour_ks import NeighbourKS
from cubespace.populations.schilling_henze import SchillingHenze


def all_tests(k=10, k_pooled=5, n_subsamples=10, seed=0):
    """dict name -> test, in the order of the tables. `k`: neighbours of the KS tests; `k_pooled`: of Schilling-Henze."""
    tests = (
        NeighbourKS("ks_paper", k, True, n_subsamples, seed),
        NeighbourKS("ks_10th", k, False, n_subsamples, seed),
        SchillingHenze(k_pooled),
        Energy(),
        MMD(),
        C2ST(seed=seed),
    )
    return {test.name: test for test in tests}
