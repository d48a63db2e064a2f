# The mock survey of the demo: one cube a galaxy, in the real file format, with its truth. Left out where mock is null.
# With keep_cubes: false no more cubes exist at a time than jobs run: each is made for its moments, deleted, and made
# again, to the last bit, for its maps. The low priority lets a waiting reader go before the next simulation.

if MOCK:
    TRUTH = shipped(config["mock"]["truth"])
    SSP = shipped(config["mock"]["ssp"])
    # A galaxy of the sheet that names a cube of its own is not simulated.
    SIMULATED = [stem for stem in STEMS if GALAXIES.at[stem, "cube"] == config["sample"]["cubes"].format(galaxy=stem)]

    MASKS = {"mask": "results/mock/companions/{galaxy}.fits"} if config["mock"]["companions"] else {}

    rule simulate:
        input:
            truth=TRUTH,
            ssp=SSP,
        output:
            **MASKS,
            cube=temp(config["sample"]["cubes"]) if STREAMED else config["sample"]["cubes"],
            maps="results/mock/truth/{galaxy}.fits",
        log:
            "results/logs/simulate/{galaxy}.log",
        benchmark:
            "results/benchmarks/simulate/{galaxy}.tsv"
        params:
            name=per_galaxy("galaxy"),
            settings=as_json(
                {name: value for name, value in config["mock"].items() if name not in ("keep_cubes", *PLANTED)}
            ),
            mask=lambda wildcards, output: f" --mask {quote(output.mask)}" if MASKS else "",
            code=code("simulate"),
        conda:
            "../../envs/mock.yaml"
        group:
            "simulate"
        threads: 1
        priority: -1 if STREAMED else 0
        resources:
            mem_mb=mem(2500),
            runtime=minutes(4),
        shell:
            "python -m cubespace.steps.simulate --galaxy {params.name:q} --truth {input.truth:q} --ssp {input.ssp:q}"
            " --settings {params.settings:q} --cube {output.cube:q} --maps {output.maps:q}{params.mask} > {log:q} 2>&1"

    if STREAMED:

        use rule simulate as simulate_again with:
            input:
                truth=TRUTH,
                ssp=SSP,
                basis="results/basis/basis.fits",  # not before the maps can be made
            output:
                **{name: temp("results/mock/again/{galaxy}.mask.fits") for name in MASKS},
                cube=temp(AGAIN),
                maps=temp("results/mock/again/{galaxy}.truth.fits"),
            log:
                "results/logs/simulate_again/{galaxy}.log",
            benchmark:
                "results/benchmarks/simulate_again/{galaxy}.tsv"
            group:
                "simulate_again"

    rule truth:
        input:
            truth=TRUTH,
            roster="results/sample/roster.csv",
            maps=expand("results/mock/truth/{galaxy}.fits", galaxy=SIMULATED),
        output:
            report(
                "results/mock/truth.parquet",
                caption="../report/truth.rst",
                category="Sample",
                labels={"table": "truth of the mock", "format": "Parquet"},
            ),
        log:
            "results/logs/truth.log",
        benchmark:
            "results/benchmarks/truth.tsv"
        params:
            settings=as_json(PLANTED),
            code=code("truth"),
        conda:
            "../../envs/mock.yaml"
        threads: 1
        resources:
            mem_mb=mem(1000),
            runtime=minutes(10),
        shell:
            "python -m cubespace.steps.truth --truth {input.truth:q} --roster {input.roster:q} --maps results/mock/truth"
            " --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"

    rule probe_truth:
        input:
            embedding="results/embedding/{variant}.parquet",
            untrained="results/baselines/{variant}/untrained.parquet",
            pooled="results/baselines/{variant}/pooled_pca.parquet",
            truth="results/mock/truth.parquet",
        output:
            report(
                "results/space/{variant}/probes_truth.csv",
                caption="../report/probe_truth.rst",
                category="Space",
                labels={"table": "probes, of the truth", "variant": "{variant}"},
            ),
        log:
            "results/logs/probe_truth/{variant}.log",
        benchmark:
            "results/benchmarks/probe_truth/{variant}.tsv"
        params:
            settings=settings("space.correlations", seed=config["seed"]),
            code=code("probe_truth"),
        conda:
            "../../envs/space.yaml"
        group:
            "space"
        threads: 1
        resources:
            mem_mb=mem(2000),
            runtime=minutes(30),
        shell:
            "python -m cubespace.steps.probe_truth --embedding {input.embedding:q} --untrained {input.untrained:q}"
            " --pooled {input.pooled:q} --truth {input.truth:q} --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"
