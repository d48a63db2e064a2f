"""What Parquet states beside its columns: units, and which boolean columns are masks of others."""

import io


def stated(schema):
    """(units by column, masks by column, meta) of a schema: its own fields' `unit`, astropy's `table_meta_yaml`, VOParquet's VOTable.

    Raises
    ------
    ValueError
        The metadata of astropy or of a VOTable cannot be parsed, or name a mask that the file lacks.
    """
    texts = {key.decode(): value for key, value in (schema.metadata or {}).items()}
    own = ("pandas", "ARROW", "table_meta_yaml", "table::len::", "IVOA.VOTable-Parquet")
    meta = {key: value.decode() for key, value in texts.items() if not key.startswith(own)}
    units, masks = {}, {}
    for key, read in (("IVOA.VOTable-Parquet.content", _of_votable), ("table_meta_yaml", _of_astropy)):
        if key in texts:
            try:
                found = read(texts[key])
            except Exception as error:  # any parser, any damage
                raise ValueError(f"metadata {key!r} cannot be parsed: {' '.join(str(error).split()) or type(error).__name__}") from error
            units, masks, meta = units | found[0], found[1], meta | found[2]
    if lost := [f"{mask!r} of {name!r}" for name, mask in masks.items() if name in schema.names and mask not in schema.names]:
        raise ValueError(f"no column {', '.join(lost)}, which tells what is masked")
    units |= {f.name: f.metadata[b"unit"].decode() for f in schema if f.metadata and f.metadata.get(b"unit")}
    return units, masks, meta


def _of_astropy(text):
    from astropy.table.meta import get_header_from_yaml

    header = get_header_from_yaml(text.decode().split("\n"))
    units = {column["name"]: str(column["unit"]) for column in header["datatype"] if column.get("unit")}
    meta = dict(header.get("meta") or {})
    return units, _masks(meta.pop("__serialized_columns__", {})), {str(key): str(value) for key, value in meta.items()}


def _masks(node):
    """Masks by the column that they belong to: of masked columns, and of masked parts of quantities and times."""
    if not isinstance(node, dict):
        return {}
    own = {node["data"]["name"]: node["mask"]["name"]} if {"data", "mask"} <= set(node) else {}
    return own | {name: mask for part in node.values() for name, mask in _masks(part).items()}


def _of_votable(text):
    from astropy.io.votable import parse

    fields = next(parse(io.BytesIO(text), verify="ignore").iter_tables()).fields
    return {field.name or field.ID: str(field.unit) for field in fields if field.unit and str(field.unit)}, {}, {}
