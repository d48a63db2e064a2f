# Per galaxy: cube -> moments; all: moments -> basis; per galaxy: cube + basis -> maps; all: maps -> channel scaling.


rule moments:
    input:
        cube=cube_of,
    output:
        "results/moments/{galaxy}.npz",
    log:
        "results/logs/moments/{galaxy}.log",
    benchmark:
        "results/benchmarks/moments/{galaxy}.tsv"
    params:
        name=per_galaxy("galaxy"),
        redshift=per_galaxy("redshift"),
        settings=settings("spectra", on_bad_cube=config["on_bad_cube"], canvas=config["maps"]["canvas"], seed=config["seed"]),
        code=code("moments"),
    conda:
        "../../envs/cubes.yaml"
    threads: 1
    resources:
        mem_mb=mem(2500),
        runtime=minutes(10),
    shell:
        "python -m cubespace.steps.moments --galaxy {params.name:q} --cube {input.cube:q} --redshift {params.redshift}"
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
        cube=cube_of,
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
        settings=settings("spectra", "maps", on_bad_cube=config["on_bad_cube"]),
        code=code("maps"),
    conda:
        "../../envs/cubes.yaml"
    threads: 1
    resources:
        mem_mb=mem(2500),
        runtime=minutes(10),
    shell:
        "python -m cubespace.steps.maps --galaxy {params.name:q} --cube {input.cube:q} --redshift {params.redshift}"
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
