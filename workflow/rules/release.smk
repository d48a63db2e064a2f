# A frozen release in place of the fits: its basis, scaling and networks are taken as they are, and galaxies only embedded.

if RELEASE:

    localrules:
        thaw,

    ruleorder: thaw > release
    ruleorder: thaw > basis
    ruleorder: thaw > scaling
    ruleorder: thaw > train

    rule thaw:
        input:
            ancient(RELEASE_FILES),  # the digest below says whether they are others
        output:
            expand("results/{file}", file=needed(VARIANTS)),
        log:
            "results/logs/thaw.log",
        benchmark:
            "results/benchmarks/thaw.tsv"
        params:
            release=config["release"],
            digest=RELEASE.digest,
            code=code("thaw"),
        conda:
            "../../envs/tables.yaml"
        threads: 1
        resources:
            mem_mb=mem(1000),
            runtime=minutes(10),
        shell:
            "python -m cubespace.steps.thaw --release {params.release:q} --out {output:q} > {log:q} 2>&1"

    TARGETS = [
        "results/sample/verdicts.csv",
        *expand("results/embedding/{variant}.{kind}", variant=VARIANTS, kind=["parquet", "fits"]),
        *(["results/quality/index.html"] if config["figures"]["quality"] != "none" else []),
    ]
