# The sample sheet and the property tables -> one table of galaxies; who is in, who was rejected and why.

SHEETS = [SAMPLE_SETTINGS["sheet"], *(table["path"] for table in SAMPLE_SETTINGS["tables"]), SAMPLE_SETTINGS["types"]]


rule sample:
    input:
        SHEETS,
    output:
        table=report(
            "results/sample/galaxies.parquet",
            caption="../report/galaxies.rst",
            category="Sample",
            labels={"table": "galaxies", "format": "Parquet"},
        ),
        fits="results/sample/galaxies.fits",
        audit="results/sample/columns.csv",
        notes="results/sample/notes.csv",
    log:
        "results/logs/sample.log",
    benchmark:
        "results/benchmarks/sample.tsv"
    params:
        settings=as_json(SAMPLE_SETTINGS),
        look="no" if MOCK else "yes",  # simulated cubes come and go
        code=code("sample"),
    conda:
        "../../envs/tables.yaml"
    priority: 1  # what tables and catalogues (classify) have against them shows in the run's first minutes
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    shell:
        "python -m cubespace.steps.sample --settings {params.settings:q}"
        " --out {output.table:q} --fits {output.fits:q} --audit {output.audit:q} --notes {output.notes:q}"
        " --look-into-cubes {params.look} > {log:q} 2>&1"


# The two lists below are made anew only when their own rows change (`rows`): a colour edited in a property table must not
# retrain the network, nor may a galaxy that is only to be embedded. They come from the sheet and the tables themselves, which
# are no inputs for that reason; nor is the table above: what follows a job that is to run, be it by ancient(), Snakemake does
# not look at for changes of its own.
rule release:
    output:
        "results/sample/release.csv",
    log:
        "results/logs/release.log",
    benchmark:
        "results/benchmarks/release.tsv"
    params:
        rows=survey_sample.rows_digest(survey_sample.release(GALAXIES)),
        sample=as_json(SAMPLE_SETTINGS, compared=False),
        code=code("roster"),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    shell:
        "python -m cubespace.steps.roster --kind release --sample {params.sample:q} --out {output:q} > {log:q} 2>&1"


rule roster:
    output:
        "results/sample/roster.csv",
    log:
        "results/logs/roster.log",
    benchmark:
        "results/benchmarks/roster.tsv"
    params:
        rows=survey_sample.rows_digest(survey_sample.roster(GALAXIES)),
        sample=as_json(SAMPLE_SETTINGS, compared=False),
        code=code("roster"),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(10),
    shell:
        "python -m cubespace.steps.roster --kind roster --sample {params.sample:q} --out {output:q} > {log:q} 2>&1"


rule verdicts:
    input:
        roster="results/sample/roster.csv",
        galaxies="results/sample/galaxies.parquet",
        moments=expand("results/moments/{galaxy}.npz", galaxy=STEMS),
        maps=expand("results/maps/{galaxy}.fits", galaxy=STEMS),
    output:
        report(
            "results/sample/verdicts.csv",
            caption="../report/verdicts.rst",
            category="Sample",
            labels={"table": "verdicts", "format": "CSV"},
        ),
    log:
        "results/logs/verdicts.log",
    benchmark:
        "results/benchmarks/verdicts.tsv"
    params:
        settings=as_json({"max_offset": config["cubes"]["max_offset"]}),
        code=code("verdicts"),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=mem(1000),
        runtime=minutes(30),
    shell:
        "python -m cubespace.steps.verdicts --roster {input.roster:q} --galaxies {input.galaxies:q}"
        " --moments results/moments --maps results/maps --settings {params.settings:q} --out {output:q} > {log:q} 2>&1"
