# Per galaxy: cube -> moments; all: moments -> basis; per galaxy: cube + basis -> maps; all: maps -> channel scaling.

STARS = ["results/sample/stars.npz"] if config["cubes"]["gaia"] else []

if STARS:

    rule stars:
        input:
            shipped(config["cubes"]["gaia"]),
        output:
            STARS,
        log:
            "results/logs/stars.log",
        benchmark:
            "results/benchmarks/stars.tsv"
        params:
            code=code("stars"),
        conda:
            "../../envs/tables.yaml"
        threads: 1
        resources:
            mem_mb=mem(2000),
            runtime=minutes(10),
        shell:
            "python -m cubespace.steps.stars --table {input:q} --out {output:q} > {log:q} 2>&1"


rule moments:
    input:
        cube=cube_of,
        mask=mask_of,
        stars=STARS,
    output:
        "results/moments/{galaxy}.npz",
    log:
        "results/logs/moments/{galaxy}.log",
    benchmark:
        "results/benchmarks/moments/{galaxy}.tsv"
    params:
        name=per_galaxy("galaxy"),
        redshift=per_galaxy("redshift"),
        foreground=foreground_options,
        settings=settings(
            "spectra",
            **READING,
            canvas=config["maps"]["canvas"],
            seed=config["seed"],
            spare_nucleus_arcsec=config["maps"]["spare_nucleus_arcsec"],
        ),
        code=code("moments"),
    conda:
        "../../envs/cubes.yaml"
    group:
        "moments"
    threads: 1
    resources:
        mem_mb=mem(2500),
        runtime=minutes(4),
    shell:
        "python -m cubespace.steps.moments --galaxy {params.name:q} --cube {input.cube:q} --redshift {params.redshift}{params.foreground}"
        " --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"


rule basis:
    input:
        release="results/sample/release.csv",
        moments=expand("results/moments/{galaxy}.npz", galaxy=FITTED),
    output:
        "results/basis/basis.fits",
    log:
        "results/logs/basis.log",
    benchmark:
        "results/benchmarks/basis.tsv"
    params:
        settings=settings("spectra", "basis"),
        code=code("basis"),
    conda:
        "../../envs/tables.yaml"
    threads: 2
    resources:
        mem_mb=mem(2000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.basis --moments results/moments --release {input.release:q}"
        " --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"


rule maps:
    input:
        cube=cube_for_maps,
        mask=mask_of,
        stars=STARS,
        moments="results/moments/{galaxy}.npz",
        basis="results/basis/basis.fits",
    output:
        "results/maps/{galaxy}.fits",
    log:
        "results/logs/maps/{galaxy}.log",
    benchmark:
        "results/benchmarks/maps/{galaxy}.tsv"
    params:
        name=per_galaxy("galaxy"),
        redshift=per_galaxy("redshift"),
        distance=per_galaxy("distance"),
        foreground=foreground_options,
        settings=settings("spectra", "maps", **READING),
        code=code("maps"),
    conda:
        "../../envs/cubes.yaml"
    group:
        "maps"
    threads: 1
    resources:
        mem_mb=mem(2500),
        runtime=minutes(4),
    shell:
        "python -m cubespace.steps.maps --galaxy {params.name:q} --cube {input.cube:q} --redshift {params.redshift}{params.foreground}"
        " --distance {params.distance} --moments {input.moments:q} --basis {input.basis:q}"
        " --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"


rule scaling:
    input:
        release="results/sample/release.csv",
        basis="results/basis/basis.fits",
        maps=expand("results/maps/{galaxy}.fits", galaxy=FITTED),
    output:
        "results/basis/scaling.csv",
    log:
        "results/logs/scaling.log",
    benchmark:
        "results/benchmarks/scaling.tsv"
    params:
        code=code("scaling"),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.scaling --maps results/maps --release {input.release:q} --basis {input.basis:q}"
        " --out {output:q} > {log:q} 2>&1"


if config["figures"]["quality"] != "none":

    rule quality:
        input:
            verdicts="results/sample/verdicts.csv",
            roster="results/sample/roster.csv",
            galaxies="results/sample/galaxies.parquet",
            maps=expand("results/maps/{galaxy}.fits", galaxy=STEMS),
        output:
            page=report(
                "results/quality/index.html",
                caption="../report/quality.rst",
                category="Sample",
                labels={"page": "quality of the cubes", "format": "HTML"},
            ),
            pdf="results/quality/pages.pdf",
        log:
            "results/logs/quality.log",
        benchmark:
            "results/benchmarks/quality.tsv"
        params:
            settings=as_json(
                {
                    **READING,
                    "survey": config["survey"],
                    "quality": config["figures"]["quality"],
                    "examples": config["figures"]["examples"],
                }
            ),
            code=code("quality"),
        conda:
            "../../envs/figures.yaml"
        threads: 1
        resources:
            mem_mb=mem(2500),
            runtime=minutes(60),
        shell:
            "python -m cubespace.steps.quality --verdicts {input.verdicts:q} --roster {input.roster:q} --galaxies {input.galaxies:q}"
            " --maps results/maps --settings {params.settings:q} --out {output.page:q} --pdf {output.pdf:q} > {log:q} 2>&1"
