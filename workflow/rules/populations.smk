# Emission-line and environment classes, twins, two-sample tests, the luminosity ablation, the scorecard.

CATALOGUES = [part["path"] for kind in ("groups", "voids") for part in ENVIRONMENT[kind]]


rule classify:
    input:
        galaxies="results/sample/galaxies.parquet",
        catalogues=CATALOGUES,
    output:
        report(
            "results/populations/classes.parquet",
            caption="../report/classes.rst",
            category="Populations",
            labels={"table": "classes", "format": "Parquet"},
        ),
    log:
        "results/logs/classify.log",
    benchmark:
        "results/benchmarks/classify.tsv"
    params:
        settings=as_json(CLASSES),
        code=code("classify"),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.classify --galaxies {input.galaxies:q} --settings {params.settings:q}"
        " --out {output:q} > {log:q} 2>&1"


rule twins:
    input:
        galaxies="results/sample/galaxies.parquet",
        classes="results/populations/classes.parquet",
        verdicts="results/sample/verdicts.csv",
    output:
        twins=report(
            "results/populations/twins.csv",
            caption="../report/twins.rst",
            category="Populations",
            labels={"table": "twins", "format": "CSV"},
        ),
        balance="results/populations/balance.csv",
    log:
        "results/logs/twins.log",
    benchmark:
        "results/benchmarks/twins.tsv"
    params:
        settings=settings("populations.twins", comparisons=matched_comparisons()),
        code=code("twins"),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.twins --galaxies {input.galaxies:q} --classes {input.classes:q}"
        " --verdicts {input.verdicts:q} --settings {params.settings:q}"
        " --out {output.twins:q} --balance {output.balance:q} > {log:q} 2>&1"


rule compare:
    input:
        embedding="results/embedding/full.parquet",
        galaxies="results/sample/galaxies.parquet",
        classes="results/populations/classes.parquet",
        twins="results/populations/twins.csv",
    output:
        comparisons=report(
            "results/populations/comparisons.csv",
            caption="../report/comparisons.rst",
            category="Populations",
            labels={"table": "comparisons", "format": "CSV"},
        ),
        power="results/populations/power.csv",
        distances="results/populations/neighbour_distances.csv",
    log:
        "results/logs/compare.log",
    benchmark:
        "results/benchmarks/compare.tsv"
    params:
        settings=settings("populations.comparisons", seed=config["seed"]),
        code=code("compare"),
    conda:
        "../../envs/space.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(60),
    shell:
        "python -m cubespace.steps.compare --embedding {input.embedding:q} --galaxies {input.galaxies:q}"
        " --classes {input.classes:q} --twins {input.twins:q} --settings {params.settings:q}"
        " --out {output.comparisons:q} --power {output.power:q} --distances {output.distances:q} > {log:q} 2>&1"


rule ablation:
    input:
        full="results/embedding/full.parquet",
        no_luminosity="results/embedding/no_luminosity.parquet",
    output:
        report(
            "results/populations/luminosity_ablation.csv",
            caption="../report/ablation.rst",
            category="Populations",
            labels={"table": "luminosity ablation (Table 1)", "format": "CSV"},
        ),
    log:
        "results/logs/ablation.log",
    benchmark:
        "results/benchmarks/ablation.tsv"
    params:
        settings=settings("space.clusters", seed=config["seed"]),
        code=code("ablation"),
    conda:
        "../../envs/space.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.ablation --full {input.full:q} --no-luminosity {input.no_luminosity:q}"
        " --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"
