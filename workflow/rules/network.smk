# Maps -> one network a variant -> 512-d embedding of every galaxy; and the two baselines it has to beat.

EMBEDDING = as_json({"embedding": config["network"]["embedding"], "views": config["network"]["views"]})
BASELINE = as_json({name: config["network"][name] for name in ("embedding", "encoder", "views")})
TRAINING = as_json({name: config["network"][name] for name in ("encoder", "training", "views")})


rule train:
    input:
        release="results/sample/release.csv",
        basis="results/basis/basis.fits",
        scaling="results/basis/scaling.csv",
        maps=expand("results/maps/{galaxy}.fits", galaxy=FITTED),
    output:
        weights="results/network/{variant}/weights.safetensors",
        history="results/network/{variant}/history.csv",
        card=report(
            "results/network/{variant}/card.md",
            caption="../report/card.rst",
            category="Network",
            labels={"table": "model card", "variant": "{variant}"},
        ),
    log:
        "results/logs/train/{variant}.log",
    benchmark:
        "results/benchmarks/train/{variant}.tsv"
    params:
        settings=TRAINING,
        seed=config["seed"],
        device=config["network"]["device"],
        checkpoint="results/network/{variant}/checkpoint.pt",
        maps_memory=as_json(config["network"]["maps_memory"], compared=False),  # where they lie changes no number
        code=code("train"),
    conda:
        TORCH_ENV
    threads: NETWORK_THREADS
    resources:
        mem_mb=mem(12000),
        runtime=minutes(120),
        gpu=0 if config["network"]["device"] == "cpu" else 1,
    shell:
        "python -u -m cubespace.steps.train --variant {wildcards.variant} --maps results/maps --release {input.release:q}"
        " --basis {input.basis:q} --scaling {input.scaling:q} --seed {params.seed} --settings {params.settings:q}"
        " --device {params.device} --threads {threads} --maps-memory {params.maps_memory}"
        " --checkpoint {params.checkpoint:q} --weights {output.weights:q} --history {output.history:q} --card {output.card:q} 2>&1 | tee {log:q}"


rule embed:
    input:
        roster="results/sample/roster.csv",
        basis="results/basis/basis.fits",
        scaling="results/basis/scaling.csv",
        weights="results/network/{variant}/weights.safetensors",
        maps=expand("results/maps/{galaxy}.fits", galaxy=STEMS),
    output:
        table=report(
            "results/embedding/{variant}.parquet",
            caption="../report/embedding.rst",
            category="Embedding",
            labels={"table": "embedding", "variant": "{variant}"},
        ),
        fits="results/embedding/{variant}.fits",
    log:
        "results/logs/embed/{variant}.log",
    benchmark:
        "results/benchmarks/embed/{variant}.tsv"
    params:
        settings=EMBEDDING,
        seed=config["seed"],
        device=config["network"]["device"],
        code=code("embed"),
    conda:
        TORCH_ENV
    threads: NETWORK_THREADS
    resources:
        mem_mb=mem(8000),
        runtime=minutes(60),
    shell:
        "python -m cubespace.steps.embed --variant {wildcards.variant} --maps results/maps --roster {input.roster:q}"
        " --basis {input.basis:q} --scaling {input.scaling:q} --weights {input.weights:q} --seed {params.seed}"
        " --settings {params.settings:q} --device {params.device} --threads {threads}"
        " --out {output.table:q} --fits {output.fits:q} > {log:q} 2>&1"


rule baseline:
    input:
        roster="results/sample/roster.csv",
        basis="results/basis/basis.fits",
        scaling="results/basis/scaling.csv",
        maps=expand("results/maps/{galaxy}.fits", galaxy=STEMS),
    output:
        untrained="results/baselines/{variant}/untrained.parquet",
        pooled="results/baselines/{variant}/pooled_pca.parquet",
    log:
        "results/logs/baseline/{variant}.log",
    benchmark:
        "results/benchmarks/baseline/{variant}.tsv"
    params:
        settings=BASELINE,
        seed=config["seed"],
        device=config["network"]["device"],
        code=code("baseline"),
    conda:
        TORCH_ENV
    threads: NETWORK_THREADS
    resources:
        mem_mb=mem(8000),
        runtime=minutes(60),
    shell:
        "python -m cubespace.steps.baseline --variant {wildcards.variant} --maps results/maps --roster {input.roster:q}"
        " --basis {input.basis:q} --scaling {input.scaling:q} --seed {params.seed} --settings {params.settings:q}"
        " --device {params.device} --threads {threads} --untrained {output.untrained:q} --pooled {output.pooled:q}"
        " > {log:q} 2>&1"


rule invariance:
    input:
        roster="results/sample/roster.csv",
        basis="results/basis/basis.fits",
        scaling="results/basis/scaling.csv",
        weights="results/network/{variant}/weights.safetensors",
        maps=expand("results/maps/{galaxy}.fits", galaxy=STEMS),
    output:
        report(
            "results/network/{variant}/invariance.csv",
            caption="../report/invariance.rst",
            category="Network",
            labels={"table": "invariance", "variant": "{variant}"},
        ),
    log:
        "results/logs/invariance/{variant}.log",
    benchmark:
        "results/benchmarks/invariance/{variant}.tsv"
    params:
        settings=as_json({name: config["network"][name] for name in ("invariance", "views")}),
        seed=config["seed"],
        device=config["network"]["device"],
        code=code("invariance"),
    conda:
        TORCH_ENV
    threads: NETWORK_THREADS
    resources:
        mem_mb=mem(8000),
        runtime=minutes(60),
    shell:
        "python -m cubespace.steps.invariance --variant {wildcards.variant} --maps results/maps --roster {input.roster:q}"
        " --basis {input.basis:q} --scaling {input.scaling:q} --weights {input.weights:q} --seed {params.seed}"
        " --settings {params.settings:q} --device {params.device} --threads {threads} --out {output:q} > {log:q} 2>&1"


rule views:
    input:
        galaxies="results/sample/galaxies.parquet",
        verdicts="results/sample/verdicts.csv",
        basis="results/basis/basis.fits",
        scaling="results/basis/scaling.csv",
        maps=expand("results/maps/{galaxy}.fits", galaxy=STEMS),
    output:
        "results/network/views.npz",
    log:
        "results/logs/views.log",
    benchmark:
        "results/benchmarks/views.tsv"
    params:
        settings=as_json({"views": config["network"]["views"], "examples": config["figures"]["examples"]}),
        seed=config["seed"],
        code=code("views"),
    conda:
        TORCH_ENV
    threads: 1
    resources:
        mem_mb=mem(8000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.views --maps results/maps --galaxies {input.galaxies:q} --verdicts {input.verdicts:q}"
        " --basis {input.basis:q} --scaling {input.scaling:q} --seed {params.seed} --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"
