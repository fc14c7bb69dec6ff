"""Hugging Face's folders of models: our arrays under their names (`families.py`) and theirs under ours.

    config.json             the family (`model_type`) and its options, under its own names; firth's own under "firth"
    model.safetensors       the numbers, under the family's own names; or several files and model.safetensors.index.json
    tokenizer.json          how text is cut
    tokenizer_config.json   which tokens have a part to play, and what the model is handed

Only names and arrays here: what they mean is `networks/transformer.py`. A pickle (`pytorch_model.bin`) is never opened.
Tied weights (the output head's, which is the table of tokens) are not written; the prefix of the family always is.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, FormatError
from firth.formats import safetensors
from firth.formats.families import ACTIVATIONS, FAMILIES, Family, Name
from firth.formats.plain_files import mapped, read_json
from firth.formats.signatures import Place

Arrays = dict[str, NDArray[Any]]

CONFIG, WEIGHTS, INDEX, TOKENIZER, TOKENIZER_CONFIG = (
    "config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
)
_OLD_NAMES: Final = ((".gamma", ".weight"), (".beta", ".bias"))  # of files converted from TensorFlow


# ---------------------------------------------------------------- options


def options_of(config: Mapping[str, Any], where: Place) -> tuple[Family, dict[str, Any]]:
    """The family of a config.json, and its options under our names.

    Raises FormatError for a family that firth does not know, or an option that its networks do not have.
    """
    model_type = config.get("model_type")
    family = FAMILIES.get(model_type) if isinstance(model_type, str) else None
    if family is None:
        raise FormatError(f"{where} is of model_type {model_type!r}. firth knows: {', '.join(FAMILIES)}.")
    for name, value in family.only.items():
        if (found := config.get(name, family.absent.get(name, value))) != value:
            raise FormatError(f"{where} has {name}={found!r}, and firth's networks know {value!r} alone.")
    ours: dict[str, Any] = {}
    for setting in family.settings:  # of several of theirs for one of ours the first speaks
        found = config.get(setting.theirs, setting.default)
        known = ours.setdefault(setting.ours, found)
        if setting.same and found != known:
            first = next(other.theirs for other in family.settings if other.ours == setting.ours)
            raise FormatError(
                f"{where} has {setting.theirs}={found!r} and {first}={known!r}, and firth's networks know one for both."
            )
    if ours.get("ffn_dim", 0) is None:
        ours["ffn_dim"] = 4 * ours["dim"]
    activation = ours.get("activation")
    if activation is not None and activation not in ACTIVATIONS:
        raise FormatError(f"{where} has the activation {activation!r}, and firth has {', '.join(ACTIVATIONS)}.")
    return family, {**ours, **({"activation": ACTIVATIONS[activation]} if activation else {})}


def config_of(family: Family, options: Mapping[str, Any], task: str = "pretraining") -> dict[str, Any]:
    """config.json's entries for our options; the inverse of `options_of`."""
    theirs = {setting.theirs: options[setting.ours] for setting in family.settings if setting.ours in options}
    for setting in family.settings:
        if setting.ours == "activation" and setting.theirs in theirs:
            theirs[setting.theirs] = "gelu_new" if options["activation"] == "gelu_tanh" else options["activation"]
    return {
        "model_type": family.model_type,
        "architectures": [family.architectures[task]],
        **theirs,
        **family.also,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }


def task_of(family: Family, task: str, classes: Sequence[str]) -> dict[str, Any]:
    """config.json's entries for what a model was taught; `classes` is empty where it foretells numbers."""
    names = {str(number): name for number, name in enumerate(classes)} or {"0": "LABEL_0"}
    problem = {} if task == "tag" else {"problem_type": "single_label_classification" if classes else "regression"}
    return {
        "architectures": [family.architectures[task]],
        "id2label": names,
        "label2id": {name: int(number) for number, name in names.items()},
        **problem,
    }


# ---------------------------------------------------------------- arrays


def _written_out(names: Iterable[Name], blocks: int) -> Iterator[Name]:
    """The table with every layer's number, and weight and bias, put in."""
    for name in names:
        theirs = (name.theirs,) if isinstance(name.theirs, str) else name.theirs
        for block in range(blocks) if "{}" in name.ours else (0,):
            for kind in ("weight", "bias") if "*" in name.ours else ("",):

                def put_in(text: str, block: int = block, kind: str = kind) -> str:
                    return text.replace("{}", str(block)).replace("*", kind)

                yield name._replace(ours=put_in(name.ours), theirs=tuple(map(put_in, theirs)))


def to_theirs(family: Family, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """Our arrays under the family's names. Raises KeyError for an array of ours that the table does not have."""
    left = dict(arrays)
    theirs: Arrays = {}
    for name in _written_out(family.names, _blocks(arrays, _layer_pattern(name.ours for name in family.names))):
        if name.ours not in left or (name.ours.startswith("task.") and _other_task(name, arrays)):
            continue
        whole = left.pop(name.ours)
        parts = np.split(whole, len(name.theirs)) if len(name.theirs) > 1 else [whole]
        for part, called in zip(parts, name.theirs, strict=True):
            theirs[called] = np.ascontiguousarray(_part_of_theirs(name, part))
    if left:
        raise KeyError(f"{family.model_type} has no names for {', '.join(sorted(left))}")
    return theirs


def _part_of_theirs(name: Name, part: NDArray[Any]) -> NDArray[Any]:
    if name.turned and part.ndim == 2:
        part = part.T
    if name.width is not None and name.width < part.ndim:
        part = part.take(_halves(part.shape[name.width]), axis=name.width)
    return part.reshape(1, -1) if name.row else part


def _part_of_ours(name: Name, part: NDArray[Any]) -> NDArray[Any]:
    """The inverse of `_part_of_theirs`."""
    if name.row:
        part = part.reshape(-1)
    if name.width is not None and name.width < part.ndim:
        part = part.take(np.argsort(_halves(part.shape[name.width])), axis=name.width)
    return part.T if name.turned and part.ndim == 2 else part


def _halves(width: int) -> NDArray[np.int64]:
    """Which number of our states each of theirs is: ours have sine and cosine of a place in turn, as the paper writes
    them, Marian's all sines and then all cosines.

    To the rest of a network the order of a state's numbers makes no difference, where all that reads or writes states
    has the same: so the arrays are put in the other order, and what the network computes stays as it is.

    >>> _halves(5).tolist()
    [0, 2, 4, 1, 3]
    """
    return np.concatenate([np.arange(0, width, 2), np.arange(1, width, 2)])


def _other_task(name: Name, arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Of GPT-2's two layers for tasks "score" has no bias, "classifier" has one; XLNet's "logits_proj" has a pooler."""
    without_bias = name.theirs[0].startswith("score.") and "task.bias" in arrays
    return without_bias or (name.theirs[0].startswith("logits_proj.") and "pooler.weight" not in arrays)


def to_ours(family: Family, arrays: Mapping[str, NDArray[Any]], where: Place) -> Arrays:
    """A file's arrays under our names; the inverse of `to_theirs`. Heads that the file lacks are left out.

    Old names (gamma, beta) and files without the prefix are understood. Raises CorruptFileError where a part of the
    network is missing, FormatError where the file has parts that ours does not, or an output head of its own.
    """
    found = _today(family, arrays)
    for copy, original in family.tied.items():
        if copy in found and not np.array_equal(found[copy], found.setdefault(original, found[copy])):
            raise FormatError(f"{where}: {copy} is not {original}, and in firth's networks they are one.")
    blocks = _blocks(found, _layer_pattern(_all_theirs(family)))
    ours: Arrays = {}
    for name in _written_out(family.names, blocks):
        parts = [found.pop(called) for called in name.theirs if called in found]
        if len(parts) == len(name.theirs):
            parts = [_part_of_ours(name, part) for part in parts]
            ours[name.ours] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        elif not name.optional:
            missing = next(called for called in name.theirs if called not in arrays)
            raise CorruptFileError(f"{where} holds no array {missing!r}. Copy the model again from where it came.")
    strange = sorted(name for name in found if name.startswith(family.prefix) and name not in family.tied)
    if strange:
        raise FormatError(f"{where} has {strange[0]!r} ({len(strange)} such), which firth's network does not.")
    return ours


def _today(family: Family, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The arrays under today's names, without those that are no weights."""
    has_prefix = any(name.startswith(family.prefix) for name in arrays)
    firsts = {name.split(".")[1] for name in _all_theirs(family) if name.startswith(family.prefix)}
    found: Arrays = {}
    for name, array in arrays.items():
        if name.endswith(family.passed_over):
            continue
        called = name
        for old, new in _OLD_NAMES:
            called = called.removesuffix(old) + new if called.endswith(old) else called
        if not has_prefix and called.split(".")[0] in firsts:
            called = family.prefix + called
        found[called] = array
    return found


def _all_theirs(family: Family) -> Iterator[str]:
    for name in family.names:
        yield from (name.theirs,) if isinstance(name.theirs, str) else name.theirs


def _layer_pattern(names: Iterable[str]) -> str:
    """What finds the number of a layer, by the first of the names that has one."""
    first = next(name for name in names if "{}" in name)
    return "^" + re.escape(first[: first.index("{}")]) + r"(\d+)\."


def _blocks(names: Iterable[str], pattern: str) -> int:
    """One more than the greatest number of a layer."""
    return max((int(found[1]) + 1 for found in (re.match(pattern, name) for name in names) if found), default=0)


# ---------------------------------------------------------------- files


def recognise(folder: Place) -> bool:
    """Whether a folder holds a model of one of the families, whole or damaged."""
    try:
        config = read_json(os.path.join(folder, CONFIG))
    except (OSError, ValueError):
        return False
    model_type = config.get("model_type") if isinstance(config, dict) else None
    return isinstance(model_type, str) and model_type in FAMILIES


def is_theirs(folder: Place) -> bool:
    """Whether it is transformers that wrote a folder; what firth had said in one that it opened is still there then."""
    if not recognise(folder):
        return False
    config = read_json(os.path.join(folder, CONFIG))
    return "transformers_version" in config or "firth" not in config


def describe(folder: Place) -> dict[str, Any]:
    """What a model of theirs is, from its config.json and the headers of its arrays."""
    path = os.path.join(folder, CONFIG)
    family, options = options_of(read_json(path), path)
    tensors = [
        tensor
        for file in _weight_files(folder)
        for tensor in safetensors.read_header(os.path.join(folder, file), mapped(os.path.join(folder, file))).values()
    ]
    return {
        "format": "huggingface",
        "parameters": sum(int(np.prod(tensor.shape, dtype=np.int64)) for tensor in tensors),
        "config": {"model": {"name": family.ours, **options}},
    }


def read_arrays(folder: Place) -> Arrays:
    """All arrays of model.safetensors, or of the files that its index names, as float32 where they are floats.

    Raises FormatError where there is only a pickle, or the index names a file that is not plainly in the folder.
    """
    arrays: Arrays = {}
    for file in _weight_files(folder):
        path = os.path.join(folder, file)
        data = mapped(path)
        for name, tensor in safetensors.read_header(path, data).items():
            array = safetensors.numbers(tensor, data)
            arrays[name] = array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array
    return arrays


def _weight_files(folder: Place) -> list[str]:
    if os.path.lexists(os.path.join(folder, WEIGHTS)):
        return [WEIGHTS]
    index = os.path.join(folder, INDEX)
    if not os.path.lexists(index):
        pickled = sorted(name for name in os.listdir(folder) if name.endswith((".bin", ".pt", ".ckpt", ".h5")))
        instead = f", only {pickled[0]}, which could run code when opened" if pickled else ""
        raise FormatError(
            f"{folder} holds no {WEIGHTS}{instead}. "
            "Save it from transformers with model.save_pretrained(folder, safe_serialization=True)."
        )
    found = read_json(index)
    files = found.get("weight_map") if isinstance(found, dict) else None
    if not isinstance(files, dict) or not all(isinstance(file, str) for file in files.values()):
        raise CorruptFileError(f"{index} holds no weight_map of names to files. Copy it again from where it came.")
    for file in files.values():
        if file != os.path.basename(file) or not file.endswith(".safetensors") or "\\" in file or "\0" in file:
            raise FormatError(f"{index} lists {file!r}, which is no plain name of a .safetensors file. Not opened.")
    return sorted(set(files.values()))


def tokenizer_config(family: Family, special: Mapping[str, str], length: int) -> dict[str, Any]:
    """tokenizer_config.json: `special` has the tokens by their roles (pad, unk, cls, sep, mask, bos, eos)."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": list(family.inputs),
        "model_max_length": length,
        "clean_up_tokenization_spaces": False,
        **{f"{role}_token": token for role, token in special.items()},
    }
