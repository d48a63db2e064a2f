# Every figure is a rule of its own, drawn from the tables behind it; then the scorecard and the summary.

from cubespace.survey.showcase import showcase

FULL = "results/space/full"
DATA = {  # option of the figure step -> file
    "galaxies": "results/sample/galaxies.parquet",
    "verdicts": "results/sample/verdicts.csv",
    "roster": "results/sample/roster.csv",
    "basis": "results/basis/basis.fits",
    "views": "results/network/views.npz",
    "histories": [f"results/network/{variant}/history.csv" for variant in VARIANTS],
    "invariance": "results/network/full/invariance.csv",
    "umap": f"{FULL}/umap.parquet",
    "clusters": f"{FULL}/clusters.parquet",
    "correlations": f"{FULL}/correlations.csv",
    "variance": f"{FULL}/variance.csv",
    "probes": f"{FULL}/probes.csv",
    "classes": "results/populations/classes.parquet",
    "balance": "results/populations/balance.csv",
    "comparisons": "results/populations/comparisons.csv",
    "distances": "results/populations/neighbour_distances.csv",
    "power": "results/populations/power.csv",
    "map_power": "results/populations/map_power.csv",
    "strengths": f"{FULL}/strengths.csv",
    "quality": f"{FULL}/clusters.csv",
    "scorecard": "results/scorecard.csv",
}
FIGURES = {  # name -> (category, label, what it is drawn from)
    "fig01_sample": ("Sample", "Fig. 1: sample", ["galaxies"]),
    "fig02_views": ("Network", "Fig. 2: views", ["views", "basis"]),
    "fig03_umap_stellar": ("Space", "Fig. 3: stellar populations", ["galaxies", "umap"]),
    "fig04_umap_emission": ("Space", "Fig. 4: emission lines", ["galaxies", "classes", "umap"]),
    "fig05_umap_geometry": ("Space", "Fig. 5: redshift and ellipticity", ["galaxies", "umap"]),
    "fig06_umap_environment": ("Space", "Fig. 6: environment", ["galaxies", "classes", "umap"]),
    "fig07_clusters": ("Space", "Fig. 7: clusters", ["galaxies", "umap", "clusters"]),
    "fig08_neighbours": ("Populations", "Fig. 8: populations", ["comparisons", "distances"]),
    "fig09_twins": ("Populations", "Fig. 9: twins", ["comparisons", "distances"]),
    "fig10_correlations": ("Space", "Fig. 10: correlations", ["correlations", "variance"]),
    "figB1_components": ("Spectra", "Fig. B.1: components 1-14", ["basis"]),
    "figB2_components": ("Spectra", "Fig. B.2: components 15-29", ["basis"]),
    "figC1_maps": ("Spectra", "Fig. C.1: maps", ["views"]),
    "training": ("Network", "Training", ["histories"]),
    "invariance": ("Network", "Invariance", ["invariance"]),
    "reconstruction": ("Spectra", "Reconstruction error", ["basis"]),
    "verdicts": ("Sample", "Verdicts", ["verdicts"]),
    "balance": ("Populations", "Balance of the twins", ["balance"]),
    "probes": ("Space", "Probes", ["probes"]),
    "power": ("Populations", "Power", ["power", "comparisons"]),
    "map_power": ("Populations", "Power in the maps", ["map_power"]),
    "order": ("Space", "Order of strengths", ["strengths"]),
    "cluster_number": ("Space", "Number of clusters", ["quality"]),
    "scorecard": ("Scorecard", "Scorecard", ["scorecard"]),
}
if config["network"]["seeds"]:
    DATA["stability"] = "results/ensemble/stability.csv"
    FIGURES["stability"] = ("Network", "Stability over seeds", ["stability"])

for FIGURE, (CATEGORY, LABEL, NEEDS) in FIGURES.items():

    rule:
        name:
            f"figure_{FIGURE}"
        input:
            **{need: DATA[need] for need in NEEDS},
        output:
            png=report(
                f"results/figures/{FIGURE}.png",
                caption=f"../report/{FIGURE}.rst",
                category=CATEGORY,
                labels={"figure": LABEL},
            ),
            pdf=f"results/figures/{FIGURE}.pdf",
        log:
            f"results/logs/figures/{FIGURE}.log",
        benchmark:
            f"results/benchmarks/figures/{FIGURE}.tsv"
        params:
            figure=FIGURE,
            inputs=figure_options,
            code=code("figure"),
        conda:
            "../../envs/figures.yaml"
        group:
            "figures"
        threads: 1
        resources:
            mem_mb=mem(1500),
            runtime=minutes(10),
        shell:
            "python -m cubespace.steps.figure --name {params.figure} {params.inputs}"
            " --out {output.png:q} --pdf {output.pdf:q} > {log:q} 2>&1"


# One simulated galaxy of each type: (type, stem of the file names).
SHOWCASE = showcase(TRUTH, {GALAXIES.at[stem, "galaxy"]: stem for stem in SIMULATED}) if MOCK else []

if SHOWCASE:

    rule montage:
        input:
            cubes=[config["sample"]["cubes"].format(galaxy=stem) for _, stem in SHOWCASE],
            truths=[f"results/mock/truth/{stem}.fits" for _, stem in SHOWCASE],
        output:
            png=report(
                "results/figures/montage.png",
                caption="../report/montage.rst",
                category="Sample",
                labels={"figure": "Montage"},
            ),
            pdf="results/figures/montage.pdf",
        log:
            "results/logs/figures/montage.log",
        benchmark:
            "results/benchmarks/figures/montage.tsv"
        params:
            inputs=figure_options,
            kinds=[kind for kind, _ in SHOWCASE],
            code=code("montage"),
        conda:
            "../../envs/figures.yaml"
        threads: 1
        resources:
            mem_mb=mem(3000),
            runtime=minutes(10),
        shell:
            "python -m cubespace.steps.montage {params.inputs} --kinds {params.kinds:q}"
            " --out {output.png:q} --pdf {output.pdf:q} > {log:q} 2>&1"


rule scorecard:
    input:
        **scorecard_inputs(),
    output:
        report(
            "results/scorecard.csv",
            caption="../report/scorecard.rst",
            category="Scorecard",
            labels={"table": "scorecard", "format": "CSV"},
        ),
    log:
        "results/logs/scorecard.log",
    benchmark:
        "results/benchmarks/scorecard.tsv"
    params:
        inputs=figure_options,
        settings=as_json({"seed": config["seed"], **PLANTED}),
        code=code("scorecard"),
    conda:
        "../../envs/space.yaml"
    threads: 1
    resources:
        mem_mb=mem(1500),
        runtime=minutes(10),
    shell:
        "python -m cubespace.steps.scorecard {params.inputs} --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"


rule summary:
    input:
        **({"probes_truth": f"{FULL}/probes_truth.csv"} if MOCK else {}),
        galaxies="results/sample/galaxies.parquet",
        verdicts="results/sample/verdicts.csv",
        basis="results/basis/basis.fits",
        histories=DATA["histories"],
        variance=f"{FULL}/variance.csv",
        probes=f"{FULL}/probes.csv",
        clusters=f"{FULL}/clusters.csv",
        correlations=f"{FULL}/correlations.csv",
        comparisons="results/populations/comparisons.csv",
        ablation="results/populations/luminosity_ablation.csv",
        scorecard="results/scorecard.csv",
    output:
        report(
            "results/summary.txt",
            caption="../report/summary.rst",
            category="Summary",
            labels={"text": "what was found"},
        ),
    log:
        "results/logs/summary.log",
    benchmark:
        "results/benchmarks/summary.tsv"
    params:
        inputs=figure_options,
        settings=as_json({"survey": config["survey"]}),
        code=code("summary"),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    shell:
        "python -m cubespace.steps.summary {params.inputs} --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"


TARGETS = [
    "results/summary.txt",
    "results/scorecard.csv",
    *(f"results/figures/{figure}.png" for figure in FIGURES),
    *expand("results/space/{variant}/umap.parquet", variant=VARIANTS),
    *expand("results/space/{variant}/clusters.csv", variant=VARIANTS),
    *expand("results/space/{variant}/neighbours.parquet", variant=VARIANTS),
    *expand("results/space/{variant}/correlations.csv", variant=VARIANTS),
    *expand("results/embedding/{variant}.fits", variant=VARIANTS),
    *expand("results/network/{variant}/invariance.csv", variant=VARIANTS),
    *(["results/quality/index.html"] if config["figures"]["quality"] != "none" else []),
    *(
        ["results/mock/truth.parquet", *expand("results/space/{variant}/probes_truth.csv", variant=VARIANTS)]
        if MOCK
        else []
    ),
    *(["results/figures/montage.png"] if SHOWCASE else []),
]
