"""What the folders of models that are no vectors share: one file of arrays, texts beside it, config.json last.

Each of them says what its arrays are (classifier.py, ngrams.py, categories.py, language_model.py); sizes, checksums
and the rules of names are those of native.py.
"""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, InputError
from firth.formats import atomic, native, safetensors
from firth.formats.checksums import NewFile, check_blocks
from firth.formats.signatures import Place
from firth.vectors.keys import Keys

CONFIG, PROVENANCE, CARD = "config.json", "provenance.json", "README.md"


class Opened(NamedTuple):
    """A folder whose config.json and whose arrays' header were read."""

    folder: Place
    path: str
    """Of the file of arrays."""
    header: native.Header
    config: dict[str, Any]
    """What in config.json is the model's."""
    data: NDArray[np.uint8]
    """The file of arrays, mapped."""
    tensors: dict[str, safetensors.Tensor]

    def check(self, *, upto: int | None = None) -> None:
        """Compare the checksums of the arrays, those before byte `upto` alone or all. Raises CorruptFileError."""
        check_blocks(self.path, self.data, self.header.files[os.path.basename(self.path)], upto)

    def check_beside(self) -> None:
        """Compare the checksums of every other file. Raises CorruptFileError."""
        for name in self.header.files.keys() - {os.path.basename(self.path)}:
            path = os.path.join(self.folder, name)
            check_blocks(path, native.mapped_file(self.folder, name, self.header), self.header.files[name])

    def keys(self, prefix: str = "") -> list[str]:
        """The strings in the arrays `keys` and `offsets`. Raises CorruptFileError."""
        keys = self.tensors[f"{prefix}keys"]
        try:
            return Keys(keys.of(self.data), self.tensors[f"{prefix}offsets"].of(self.data)).tolist()
        except InputError as error:
            raise CorruptFileError(f"{self.path} from byte {keys.begin:,}: {error} Copy the model again.") from error

    def provenance(self) -> dict[str, Any]:
        """What it was learnt from."""
        return native.read_provenance(self.folder, self.header)

    def described(self, **facts: Any) -> dict[str, Any]:
        """`facts`, between what is said of every folder."""
        return {
            "format": "native",
            "format_version": self.header.format_version,
            **facts,
            "files": {name: os.path.getsize(os.path.join(self.folder, name)) for name in (CONFIG, *self.header.files)},
            "config": self.config,
            "provenance": self.provenance(),
        }


def write(
    path: Place,
    name: str,
    arrays: Mapping[str, NDArray[Any]],
    *,
    aligned: str,
    config: Mapping[str, Any],
    texts: Mapping[str, bytes],
    made: str = "firth",
    huggingface: Mapping[str, Any] | None = None,
) -> None:
    """Write a folder, atomically: the arrays in the file `name`, and the texts by theirs.

    aligned      the array that begins at a multiple of 64 bytes
    config       what config.json says of the model
    made         the format that safetensors' metadata name; "pt": the weights of a network
    huggingface  the names that config.json has at its top for Hugging Face's tools; firth's then stand under "firth"

    Raises FormatError where something else is at `path` (it is left alone), DiskFullError or SaveError where writing
    fails, ConfigError for a value that JSON cannot hold.
    """
    needed = sum(array.nbytes for array in arrays.values()) + sum(map(len, texts.values())) + (1 << 16)
    with atomic.replacing(path, needed=needed, check=native.check_replaceable) as new:
        os.mkdir(new)
        with NewFile(os.path.join(new, name)) as file:
            safetensors.write(file, arrays, aligned=aligned, metadata={"format": made})
        files = {name: file.record}
        files |= {text: native.write_text(content, os.path.join(new, text)) for text, content in texts.items()}
        ours = {"format": "firth", "format_version": native.VERSION, **config, "files": files}
        described = ours if huggingface is None else {**native.nested(ours), **huggingface}
        native.write_text(native.seal(native.as_json(described, "config")), os.path.join(new, CONFIG))


def opened(folder: Place, name: str) -> Opened:
    """Open what `write` wrote; nothing in the arrays is checked yet.

    Raises CorruptFileError for a damaged header, FormatError for a newer version, a link or a name outside.
    """
    header, config = native.read_config(folder, name)
    data = native.mapped_file(folder, name, header)
    path = os.path.join(folder, name)
    return Opened(folder, path, header, config, data, safetensors.read_header(path, data))
