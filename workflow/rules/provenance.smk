# The record of the run as a whole, beside those of its jobs: the configuration, and what an audit has to know of the rules.

from cubespace import ledger
from snakemake.io import is_flagged


def rules_in_brief():
    """Of each step: digests of its settings, and the files that it may have read in an older state by design (ancient);
    and the patterns of the files that are deleted when they were read (temp)."""
    steps, temporary = {}, set()
    for rule in workflow.rules:
        found = re.search(r"cubespace\.steps\.(\w+)", rule.shellcmd or "")
        if not found:
            continue
        text = rule.params.get("settings")
        step = steps.setdefault(f"cubespace.steps.{found[1]}", {"settings": [], "ancient": []})
        step["settings"].append(ledger.digest(json.loads(text(None)) if text else {}))
        step["ancient"] += [str(path) for path in rule.input if is_flagged(path, "ancient")]
        temporary |= {re.sub(r"{.*?}", "*", str(path)) for path in rule.output if is_flagged(path, "temp")}
    unique = {name: {key: sorted(set(values)) for key, values in step.items()} for name, step in steps.items()}
    return {"steps": unique, "temporary": sorted(temporary)}


onstart:
    ledger.write_run(
        LEDGER,
        config=config,
        files=[ledger.portable(path) for path in workflow.configfiles],
        overrides=dict(workflow.config_settings.config),
        **rules_in_brief(),
    )
