# The representation space of a variant: map for the eye, clusters, neighbours, correlations and probes.


rule umap:
    input:
        "results/embedding/{variant}.parquet",
    output:
        "results/space/{variant}/umap.parquet",
    log:
        "results/logs/umap/{variant}.log",
    benchmark:
        "results/benchmarks/umap/{variant}.tsv"
    params:
        settings=settings("space.umap", seed=config["seed"]),
        code=code("umap"),
    conda:
        "../../envs/space.yaml"
    group:
        "space"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    shell:
        "NUMBA_CACHE_DIR=results/cache/numba python -m cubespace.steps.umap --embedding {input:q}"
        " --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"


rule cluster:
    input:
        embedding="results/embedding/{variant}.parquet",
        galaxies="results/sample/galaxies.parquet",
    output:
        table="results/space/{variant}/clusters.parquet",
        summary=report(
            "results/space/{variant}/clusters.csv",
            caption="../report/clusters.rst",
            category="Space",
            labels={"table": "clusters", "variant": "{variant}"},
        ),
        valley=report(
            "results/space/{variant}/green_valley.csv",
            caption="../report/green_valley.rst",
            category="Space",
            labels={"table": "green valley", "variant": "{variant}"},
        ),
    log:
        "results/logs/cluster/{variant}.log",
    benchmark:
        "results/benchmarks/cluster/{variant}.tsv"
    params:
        settings=settings("space.clusters", seed=config["seed"]),
        code=code("cluster"),
    conda:
        "../../envs/space.yaml"
    group:
        "space"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.cluster --embedding {input.embedding:q} --galaxies {input.galaxies:q}"
        " --settings {params.settings:q} --out {output.table:q} --summary {output.summary:q}"
        " --valley {output.valley:q} > {log:q} 2>&1"


rule neighbours:
    input:
        embedding="results/embedding/{variant}.parquet",
        roster="results/sample/roster.csv",
    output:
        report(
            "results/space/{variant}/neighbours.parquet",
            caption="../report/neighbours.rst",
            category="Space",
            labels={"table": "neighbours", "variant": "{variant}"},
        ),
    log:
        "results/logs/neighbours/{variant}.log",
    benchmark:
        "results/benchmarks/neighbours/{variant}.tsv"
    params:
        settings=settings("space.neighbours", seed=config["seed"]),
        code=code("neighbours"),
    conda:
        "../../envs/space.yaml"
    group:
        "space"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.neighbours --embedding {input.embedding:q} --roster {input.roster:q}"
        " --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"


rule correlate:
    input:
        embedding="results/embedding/{variant}.parquet",
        untrained="results/baselines/{variant}/untrained.parquet",
        pooled="results/baselines/{variant}/pooled_pca.parquet",
        galaxies="results/sample/galaxies.parquet",
    output:
        correlations=report(
            "results/space/{variant}/correlations.csv",
            caption="../report/correlations.rst",
            category="Space",
            labels={"table": "correlations", "variant": "{variant}"},
        ),
        variance="results/space/{variant}/variance.csv",
        probes=report(
            "results/space/{variant}/probes.csv",
            caption="../report/probes.rst",
            category="Space",
            labels={"table": "probes", "variant": "{variant}"},
        ),
        strengths=report(
            "results/space/{variant}/strengths.csv",
            caption="../report/strengths.rst",
            category="Space",
            labels={"table": "order of strengths", "variant": "{variant}"},
        ),
    log:
        "results/logs/correlate/{variant}.log",
    benchmark:
        "results/benchmarks/correlate/{variant}.tsv"
    params:
        settings=settings("space.correlations", seed=config["seed"]),
        code=code("correlate"),
    conda:
        "../../envs/space.yaml"
    group:
        "space"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.correlate --embedding {input.embedding:q} --untrained {input.untrained:q}"
        " --pooled {input.pooled:q} --galaxies {input.galaxies:q} --settings {params.settings:q}"
        " --out {output.correlations:q} --variance {output.variance:q} --probes {output.probes:q}"
        " --strengths {output.strengths:q} > {log:q} 2>&1"
