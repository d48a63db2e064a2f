"""All figures by name: what draws each, and which inputs it needs."""

from typing import NamedTuple

from cubespace.errors import CubespaceError
from cubespace.figures import (
    basis,
    clusters,
    comparisons,
    correlations,
    invariance,
    map_power,
    maps,
    planted,
    sample,
    scorecard,
    stability,
    training,
    umap,
    verdicts,
)


class Entry(NamedTuple):
    """One figure: `draw(**inputs, **fixed)` gives it; `optional` inputs are used where given."""

    draw: object
    needs: tuple
    optional: tuple = ()
    fixed: tuple = ()


FIGURES = {
    "fig01_sample": Entry(sample.draw, ("galaxies",)),
    "fig02_views": Entry(maps.draw_views, ("views", "basis")),
    "fig03_umap_stellar": Entry(umap.draw_stellar, ("galaxies", "umap")),
    "fig04_umap_emission": Entry(umap.draw_emission, ("galaxies", "classes", "umap")),
    "fig05_umap_geometry": Entry(umap.draw_geometry, ("galaxies", "umap")),
    "fig06_umap_environment": Entry(umap.draw_environment, ("galaxies", "classes", "umap")),
    "fig07_clusters": Entry(clusters.draw, ("galaxies", "umap", "clusters")),
    "fig08_neighbours": Entry(comparisons.draw_neighbours, ("comparisons", "distances")),
    "fig09_twins": Entry(comparisons.draw_twins, ("comparisons", "distances")),
    "fig10_correlations": Entry(correlations.draw, ("correlations",), ("variance",)),
    "figB1_components": Entry(basis.draw_components, ("basis",), fixed=(("first", 1), ("last", 14))),
    "figB2_components": Entry(basis.draw_components, ("basis",), fixed=(("first", 15), ("last", 29))),
    "figC1_maps": Entry(maps.draw_maps, ("views",)),
    "training": Entry(training.draw, ("histories",)),
    "invariance": Entry(invariance.draw, ("invariance",)),
    "reconstruction": Entry(basis.draw_reconstruction, ("basis",)),
    "verdicts": Entry(verdicts.draw, ("verdicts",)),
    "balance": Entry(comparisons.draw_balance, ("balance",)),
    "probes": Entry(correlations.draw_probes, ("probes",)),
    "power": Entry(comparisons.draw_power, ("power", "comparisons")),
    "map_power": Entry(map_power.draw, ("map_power",)),
    "order": Entry(correlations.draw_order, ("strengths",)),
    "cluster_number": Entry(clusters.draw_quality, ("quality",)),
    "scorecard": Entry(scorecard.draw, ("scorecard",)),
}
MORE = {  # of the scorecard study, and of runs with further seeds
    "planted": Entry(planted.draw, ("planted",)),
    "stability": Entry(stability.draw, ("stability",)),
}


def entry(name):
    """The entry of a figure; CubespaceError for a name that is not one."""
    known = FIGURES | MORE
    if name not in known:
        raise CubespaceError(f"figure {name!r} is not known; allowed: {', '.join(known)}")
    return known[name]


def draw(name, **inputs):
    """Draw a figure by name from the inputs it needs (others given are an error, absent ones too).

    Returns
    -------
    matplotlib.figure.Figure
    """
    found = entry(name)
    missing = [need for need in found.needs if inputs.get(need) is None]
    if missing:
        raise CubespaceError(f"figure {name}: needs {', '.join(missing)}, which was not given")
    alien = sorted(set(inputs) - set(found.needs) - set(found.optional))
    if alien:
        raise CubespaceError(
            f"figure {name}: has no use for {', '.join(alien)}; needs {', '.join(found.needs)}"
        )
    return found.draw(
        **{key: value for key, value in inputs.items() if value is not None}, **dict(found.fixed)
    )
