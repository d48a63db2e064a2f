"""The configuration: checked against its schema before anything runs, defaults filled in, and documented from it."""

import copy
import difflib
import math
from itertools import pairwise
from pathlib import Path

import yaml

from cubespace.errors import CubespaceError
from cubespace.network import presets

SCHEMA = Path(__file__).parents[1] / "schemas" / "config.schema.yaml"


def load_schema():
    """The schema (JSON Schema 2020-12, in YAML); every key has a description, and a unit where it has one."""
    return yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))


def refuse_repeated_keys(path):
    """CubespaceError if a file of YAML has a key twice in one place, with its lines: the last would hold, without a word."""
    try:
        root = yaml.compose(Path(path).read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError):  # a template, or JSON with tabs: whoever reads it says what is wrong
        return
    nodes, seen = [((), root)], set()
    while nodes:
        place, node = nodes.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            nodes += [((*place, i), item) for i, item in enumerate(node.value)]
            continue
        lines = {}
        for key, item in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                raise CubespaceError(f"{path}: {_dotted((*place, name))}: found in line {lines[name]} and again in line {line}, expected once")
            lines[name] = line
            nodes.append(((*place, name), item))


def check(config, where="config"):
    """A copy of `config` with defaults filled in.

    Raises
    ------
    CubespaceError
        Naming each wrong key by its path, what was found and what is allowed.
    """
    from jsonschema import Draft202012Validator, validators

    if wrong := list(_unreadable(config, ())):
        raise CubespaceError(f"{where}: " + "; ".join(wrong))
    schema = load_schema()
    filled = _fill(config, schema)
    validator = validators.extend(Draft202012Validator, {"rising": _rising})(schema)
    errors = sorted(validator.iter_errors(filled), key=lambda error: [str(p) for p in error.absolute_path])
    if errors:
        raise CubespaceError(f"{where}: " + "; ".join(dict.fromkeys(map(_sentence, errors))))
    for place, pair in enumerate(filled["populations"]["comparisons"]["comparisons"]):
        if pair["a"] == pair["b"]:
            raise CubespaceError(f"{where}: populations.comparisons.comparisons.{place}: a and b are both {pair['a']!r}, expected two populations")
    network = filled["network"]
    try:
        presets.pair_from_settings({**network["views"], "stars": "published"})  # the survey's own are not measured yet
        presets.encoder_settings(network["encoder"])
        presets.training_settings(network["training"])
    except CubespaceError as error:
        raise CubespaceError(f"{where}: network.{error}") from None
    return filled


def _unreadable(value, path):
    """Sentences on keys that are not text, and on numbers that are none: what YAML made of something that was meant otherwise."""
    here = _dotted(path)
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                hint = "YAML reads on, off, yes and no as true and false: " if isinstance(key, bool) else ""
                yield f"{here}: found the key {key!r}, expected text ({hint}put it in quotes)"
            yield from _unreadable(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _unreadable(item, (*path, place))
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{here}: found {value!r}, expected a finite number; without a limit, leave it out"


def _rising(validator, places, value, schema):
    """The schema's own keyword: of an array, the numbers at these two places (true: all) must rise."""
    from jsonschema import ValidationError

    if not isinstance(value, list) or not all(validator.is_type(item, "number") for item in value):
        return
    pairs = pairwise(value) if places is True else [[value[place] for place in places if place < len(value)]]
    for pair in pairs:
        if len(pair) == 2 and not pair[0] < pair[1]:
            yield ValidationError(f"found {value!r}, expected {pair[0]!r} to be less than {pair[1]!r}")


def _fill(value, schema):
    if isinstance(value, dict) and schema.get("properties"):
        filled = {key: _fill(item, schema["properties"].get(key, {})) for key, item in value.items()}
        for key, sub in schema["properties"].items():
            if key not in filled and "default" in sub:
                filled[key] = _fill(sub["default"], sub)
        return filled
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [_fill(item, schema["items"]) for item in value]
    if isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        return {key: _fill(item, schema["additionalProperties"]) for key, item in value.items()}
    types = schema.get("type", ())
    if isinstance(value, float) and value.is_integer() and "integer" in types and "number" not in types:
        return int(value)  # JSON Schema takes 7.0 as an integer, the libraries behind do not
    return value


def merged(first, second):
    """A copy of `first` with the entries of `second`, section by section."""
    result = copy.deepcopy(first)
    for key, value in second.items():
        inner = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if inner else copy.deepcopy(value)
    return result


def _dotted(path):
    return ".".join(map(str, path)) or "(top level)"


def _sentence(error):
    path = _dotted(error.absolute_path)
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        words = []
        for key in sorted(set(error.instance) - set(known)):
            close = difflib.get_close_matches(str(key), known, 1)
            words.append(f"unknown key {key!r}" + (f" (did you mean {close[0]!r}?)" if close else f"; allowed: {', '.join(known)}"))
        return f"{path}: " + "; ".join(words)
    if "expected" in error.schema and error.validator != "required":  # the schema's own words
        return f"{path}: found {error.instance!r}, expected {error.schema['expected']}"
    if error.validator == "required":
        return f"{path}: {error.message.replace(' is a required property', ' is missing')}"
    if error.validator in ("anyOf", "oneOf"):  # sets of keys
        ways = " or ".join(", ".join(choice["required"]) for choice in error.validator_value)
        return f"{path}: found {', '.join(error.instance)}; expected {'also' if error.validator == 'anyOf' else 'exactly one:'} {ways}"
    allowed = {
        "type": "a value of type {}",
        "enum": "one of {}",
        "minimum": "at least {}",
        "maximum": "at most {}",
        "exclusiveMinimum": "more than {}",
        "exclusiveMaximum": "less than {}",
        "minItems": "at least {} items",
        "maxItems": "at most {} items",
        "uniqueItems": "each item once",
        "const": "{}",
        "pattern": "text that matches {}",
    }.get(error.validator)
    if allowed:
        limit = error.validator_value
        limit = ", ".join(map(str, limit)) if isinstance(limit, list) else limit
        return f"{path}: found {error.instance!r}, expected {allowed.format(limit)}"
    return f"{path}: {error.message}"


def _shown(sub):
    """The default of a key, for the table."""
    if "default" not in sub:
        return ""
    text = yaml.safe_dump(sub["default"], default_flow_style=True, width=10**6).strip().removesuffix("...").strip()
    return f"`{text}`" if len(text) < 80 else "the paper's"


def document(schema=None):
    """The key table of `config/README.md`, in Markdown."""
    lines = ["| key | default | unit | meaning |", "| --- | --- | --- | --- |"]

    def walk(node, path):
        for key, sub in node.get("properties", {}).items():
            here = f"{path}.{key}" if path else key
            if sub.get("properties"):
                lines.append(f"| **`{here}`** | | | {sub.get('description', '')} |")
                walk(sub, here)
                continue
            default = _shown(sub)
            allowed = f" One of {', '.join(f'`{v}`' for v in sub['enum'])}." if "enum" in sub else ""
            lines.append(f"| `{here}` | {default} | {sub.get('unit', '')} | {sub.get('description', '')}{allowed} |")
            if sub.get("items", {}).get("properties"):
                walk(sub["items"], here + "[]")

    walk(schema or load_schema(), "")
    return "\n".join(lines) + "\n"
