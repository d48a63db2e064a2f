"""What mock galaxies became, of what they were drawn to be."""


def realised(truth):
    """Table of the truth with each property as it was measured in the maps (``<name>_realised``) where it was, else as drawn."""
    measured = [name.removesuffix("_realised") for name in truth if name.endswith("_realised")]
    table = truth.drop(columns=[name for name in measured if name in truth])
    return table.rename(columns={f"{name}_realised": name for name in measured})
