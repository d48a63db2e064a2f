# Emission-line and environment classes, twins, two-sample tests, the luminosity ablation, the scorecard.


rule classify:
    input:
        galaxies="results/sample/galaxies.parquet",
        catalogues=[catalogue["path"] for catalogue in CATALOGUES],
    output:
        classes=report(
            "results/populations/classes.parquet",
            caption="../report/classes.rst",
            category="Populations",
            labels={"table": "classes", "format": "Parquet"},
        ),
        tolerances=report(
            "results/populations/environment_tolerances.csv",
            caption="../report/tolerances.rst",
            category="Populations",
            labels={"table": "tolerances of the environment", "format": "CSV"},
        ),
        notes="results/populations/notes.csv",
    log:
        "results/logs/classify.log",
    benchmark:
        "results/benchmarks/classify.tsv"
    params:
        settings=as_json(CLASSES),
        code=code("classify"),
    conda:
        "../../envs/tables.yaml"
    priority: 1  # as `sample`: a catalogue that cannot be read stops the run at its start, not after the training
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.classify --galaxies {input.galaxies:q} --settings {params.settings:q}"
        " --out {output.classes:q} --tolerances {output.tolerances:q} --notes {output.notes:q} > {log:q} 2>&1"


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
        settings=settings("populations.twins", comparisons=matched_comparisons(), seed=config["seed"]),
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
        controls=report(
            "results/populations/controls.csv",
            caption="../report/controls.rst",
            category="Populations",
            labels={"table": "comparisons on validation galaxies", "format": "CSV"},
        ),
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
        " --out {output.comparisons:q} --power {output.power:q} --distances {output.distances:q}"
        " --controls {output.controls:q} > {log:q} 2>&1"


rule inject:
    input:
        maps=expand("results/maps/{galaxy}.fits", galaxy=STEMS),
        roster="results/sample/roster.csv",
        basis="results/basis/basis.fits",
        scaling="results/basis/scaling.csv",
        weights="results/network/full/weights.safetensors",
        twins="results/populations/twins.csv",
        ssp=shipped(config["populations"]["injection"]["ssp"]),
    output:
        report(
            "results/populations/map_power.csv",
            caption="../report/map_power.rst",
            category="Populations",
            labels={"table": "power against differences in the maps", "format": "CSV"},
        ),
    log:
        "results/logs/inject.log",
    benchmark:
        "results/benchmarks/inject.tsv"
    params:
        settings=as_json(
            {
                "views": config["network"]["views"],
                "matched": matched_comparisons(),
                **{name: config["populations"][name] for name in ("injection", "comparisons")},
            }
        ),
        seed=config["seed"],
        device=config["network"]["device"],
        code=code("inject"),
    conda:
        TORCH_ENV
    threads: 2
    resources:
        mem_mb=mem(6000),
        runtime=minutes(60),
    shell:
        "python -m cubespace.steps.inject --maps results/maps --roster {input.roster:q} --basis {input.basis:q}"
        " --scaling {input.scaling:q} --weights {input.weights:q} --variant full --twins {input.twins:q} --ssp {input.ssp:q}"
        " --seed {params.seed} --device {params.device} --threads {threads} --settings {params.settings:q}"
        " --out {output:q} > {log:q} 2>&1"


rule ablation:
    input:
        full="results/embedding/full.parquet",
        no_luminosity="results/embedding/no_luminosity.parquet",
        galaxies="results/sample/galaxies.parquet",
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
        " --galaxies {input.galaxies:q} --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"
