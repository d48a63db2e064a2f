# Further trainings, the same but for the seed: what of the results is the survey's, and what the chance of a start?

ENSEMBLE = [config["seed"], *config["network"]["seeds"]]
MEMBER = "results/ensemble/{variant}/seed{seed}"
MEMBERS = [{"variant": v, "seed": s, **member(v, s)} for v in VARIANTS for s in ENSEMBLE]


wildcard_constraints:
    seed="|".join(map(str, ENSEMBLE)),
    kind="network|untrained",


use rule train as train_again with:
    output:
        weights=f"{MEMBER}/weights.safetensors",
        history=f"{MEMBER}/history.csv",
        card=f"{MEMBER}/card.md",
    log:
        "results/logs/train_again/{variant}.seed{seed}.log",
    benchmark:
        "results/benchmarks/train_again/{variant}.seed{seed}.tsv"
    params:
        seed=seed_of,
        checkpoint=f"{MEMBER}/checkpoint.pt",


use rule embed as embed_again with:
    input:
        roster="results/sample/roster.csv",
        basis="results/basis/basis.fits",
        scaling="results/basis/scaling.csv",
        weights=f"{MEMBER}/weights.safetensors",
        maps=expand("results/maps/{galaxy}.fits", galaxy=STEMS),
    output:
        table=f"{MEMBER}/network.parquet",
        fits=f"{MEMBER}/network.fits",
    log:
        "results/logs/embed_again/{variant}.seed{seed}.log",
    benchmark:
        "results/benchmarks/embed_again/{variant}.seed{seed}.tsv"


use rule baseline as baseline_again with:
    output:
        untrained=f"{MEMBER}/untrained.parquet",
        pooled=f"{MEMBER}/pooled_pca.parquet",
    log:
        "results/logs/baseline_again/{variant}.seed{seed}.log",
    benchmark:
        "results/benchmarks/baseline_again/{variant}.seed{seed}.tsv"
    params:
        seed=seed_of,


use rule invariance as invariance_again with:
    input:
        roster="results/sample/roster.csv",
        basis="results/basis/basis.fits",
        scaling="results/basis/scaling.csv",
        weights=f"{MEMBER}/weights.safetensors",
        maps=expand("results/maps/{galaxy}.fits", galaxy=STEMS),
    output:
        f"{MEMBER}/invariance.csv",
    log:
        "results/logs/invariance_again/{variant}.seed{seed}.log",
    benchmark:
        "results/benchmarks/invariance_again/{variant}.seed{seed}.tsv"
    params:
        seed=seed_of,


use rule cluster as cluster_again with:
    input:
        embedding=embedding_of,
        galaxies="results/sample/galaxies.parquet",
    output:
        table=f"{MEMBER}/{{kind}}_clusters.parquet",
        summary=f"{MEMBER}/{{kind}}_clusters.csv",
        valley=f"{MEMBER}/{{kind}}_green_valley.csv",
    log:
        "results/logs/cluster_again/{variant}.seed{seed}.{kind}.log",
    benchmark:
        "results/benchmarks/cluster_again/{variant}.seed{seed}.{kind}.tsv"


use rule correlate as correlate_again with:
    input:
        embedding=f"{MEMBER}/network.parquet",
        untrained=f"{MEMBER}/untrained.parquet",
        pooled=f"{MEMBER}/pooled_pca.parquet",
        galaxies="results/sample/galaxies.parquet",
    output:
        correlations=f"{MEMBER}/correlations.csv",
        variance=f"{MEMBER}/variance.csv",
        probes=f"{MEMBER}/probes.csv",
        strengths=f"{MEMBER}/strengths.csv",
    log:
        "results/logs/correlate_again/{variant}.seed{seed}.log",
    benchmark:
        "results/benchmarks/correlate_again/{variant}.seed{seed}.tsv"


rule stability:
    input:
        roster="results/sample/roster.csv",
        members=[path for one in MEMBERS for path in one.values() if str(path).startswith("results/")],
    output:
        report(
            "results/ensemble/stability.csv",
            caption="../report/stability.rst",
            category="Network",
            labels={"table": "stability over seeds"},
        ),
    log:
        "results/logs/stability.log",
    benchmark:
        "results/benchmarks/stability.tsv"
    params:
        settings=as_json({"members": MEMBERS, "neighbours": config["space"]["neighbours"]}),
        code=code("stability"),
    conda:
        "../../envs/space.yaml"
    threads: 1
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.stability --roster {input.roster:q} --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"
