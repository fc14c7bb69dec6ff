"""The model card: the README.md of a saved model, filled in."""

from typing import Any

from firth.vectors.table import Vectors

_SHOWN = 8  # keys, or numbers of a long list
_OPEN = """## Open it

```python
import firth

vectors = firth.load("path/to/this/folder")
```

Any safetensors library reads `vectors.safetensors`: `vectors` are the rows, `keys` is all keys as one UTF-8 text, and
`offsets` say where each begins."""


def card(vectors: Vectors, config: dict[str, Any]) -> str:
    """What it is, how to open it, how it was learnt and from what; nothing that differs between two equal models.

    `config`: the options as config.json has them.
    """
    model: dict[str, Any] = config.get("model") or {}
    name = model.get("name")
    learnt = f", learnt by firth's {name}" if name else ""
    sections = [
        "---\nlibrary_name: firth\ntags: [embeddings]\n---",
        f"# {len(vectors):,} vectors of {vectors.dim:,} numbers{learnt}",
        _first_keys(vectors),
        _OPEN,
        table("How it was learnt", {key: value for key, value in model.items() if key != "name"}),
        table("How the text was cut", config.get("text") or {}),
        table("What it was learnt from", vectors.provenance or {}),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _first_keys(vectors: Vectors) -> str:
    keys = vectors.index_to_key[:_SHOWN]
    if not len(keys):
        return ""
    order = "The first keys" if vectors.counts is None else "The first keys and their counts"
    counts = (
        [""] * len(keys) if vectors.counts is None else [f" ({count:,})" for count in vectors.counts[:_SHOWN].tolist()]
    )
    return f"{order}: " + ", ".join(f"{_code(key)}{count}" for key, count in zip(keys, counts, strict=True)) + "."


def table(title: str, values: dict[str, Any]) -> str:
    rows = [f"| {_cell(name)} | {_cell(_plain(value))} |" for name, value in values.items()]
    return "\n".join([f"## {title}\n", "| | |", "|---|---|", *rows]) if rows else ""


def _plain(value: Any) -> str:
    """A value for reading; long lists by their ends (the loss of each epoch), nested ones by their names."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        shown = [_plain(item) for item in value]
        return ", ".join(shown if len(shown) <= _SHOWN else [*shown[:3], "…", *shown[-3:]])
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("\r", " ")


def _code(key: str) -> str:
    return "`" + key.replace("`", "'").replace("\n", " ").replace("\r", " ") + "`"
