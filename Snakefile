"""cubespace: cubes -> moments -> basis -> maps -> network -> embedding -> space, populations, figures, report."""

from snakemake.utils import min_version

min_version("9.0")

if not workflow.overwrite_configfiles:  # a file given by --configfile stands by itself: no key of the demo leaks in

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"


if config["container"]:

    containerized: config["container"]


include: "workflow/rules/mock.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/spectra.smk"
include: "workflow/rules/network.smk"
include: "workflow/rules/space.smk"
include: "workflow/rules/ensemble.smk"
include: "workflow/rules/populations.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/release.smk"


localrules:
    all,
    release,
    roster,
    sample,


onstart:
    ledger.write_run(LEDGER, **run_in_brief())
    if workflow.local_exec:
        # The limit of jobs a second (Snakemake 9) leaves a timer behind for every job, each of which goes through all waiting jobs once
        # a second: with some hundred galaxies that takes a core. On one machine its cores are limit enough. And any fifty of the jobs
        # that wait are enough to choose from, but where the reader of a cube is to go before the next simulation.
        workflow.scheduler.job_rate_limiter = None
        if not STREAMED:
            workflow.scheduler.subsample = max(50, 4 * workflow.cores)


onsuccess:  # what writers left that were killed: no job of this folder runs now
    for left in Path("results").rglob(".partial-*"):
        left.unlink(missing_ok=True)


rule all:
    default_target: True
    input:
        TARGETS,
