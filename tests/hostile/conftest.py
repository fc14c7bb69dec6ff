"""Small models to break, and the tools that break them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from firth import Vectors
from firth.formats import native, safetensors
from firth.formats.checksums import NewFile


@pytest.fixture(scope="session")
def model() -> Callable[[int], Vectors]:
    """`model(seed)`: six rows of three, with everything that the native format keeps."""

    def make(seed: int) -> Vectors:
        random = np.random.default_rng(seed)
        return Vectors(
            ["oak", "北京", "na\u00efve", "a b", "\u202ertl", "z\u200bw"],
            random.normal(size=(6, 3)).astype(np.float32),
            output=random.normal(size=(6, 3)).astype(np.float32),
            counts=random.integers(1, 100, 6),
            config={"model": {"name": "word2vec", "seed": seed}, "text": {"tokenizer": "whitespace"}},
            provenance={"seed": seed, "loss": [2.5, 1.25]},
        )

    return make


@pytest.fixture(scope="session")
def same() -> Callable[[Vectors, Vectors], bool]:
    """Whether two models are equal in everything, bit for bit."""

    def compare(one: Vectors, two: Vectors) -> bool:
        assert one.output is not None
        assert one.counts is not None
        return (
            one.index_to_key == two.index_to_key
            and np.array_equal(one.vectors, two.vectors)
            and two.output is not None
            and np.array_equal(one.output, two.output)
            and two.counts is not None
            and np.array_equal(one.counts, two.counts)
            and (one.config, one.provenance) == (two.config, two.provenance)
        )

    return compare


@pytest.fixture
def write_record(tmp_path: Path) -> Callable[[Path], None]:
    """`write_record(folder)` makes config.json agree with the files as they are: damage that no checksum shows."""

    def agree(folder: Path) -> None:
        config = msgspec.json.decode((folder / "config.json").read_bytes())
        del config["checksum"]
        for name in config["files"]:
            scratch = tmp_path / "scratch"
            with NewFile(scratch) as file:
                file.write((folder / name).read_bytes())
            scratch.unlink()
            config["files"][name] = msgspec.to_builtins(file.record)
        (folder / "config.json").write_bytes(native.seal(msgspec.json.format(msgspec.json.encode(config), indent=2)))

    return agree


@pytest.fixture
def craft(tmp_path: Path, model: Callable[[int], Vectors], write_record: Callable[[Path], None]) -> Callable[..., Path]:
    """A folder whose config.json is right and whose vectors.safetensors is made by hand.

    `arrays` replace the model's own (None leaves one out); `header(entries)` changes what the header says of them;
    `data(bytes)` changes what follows the header.
    """

    def make(
        arrays: Mapping[str, np.ndarray[Any, Any] | None] | None = None,
        header: Callable[[dict[str, Any]], None] | None = None,
        data: Callable[[bytes], bytes] | None = None,
    ) -> Path:
        folder = tmp_path / "crafted"
        model(1).save(folder)
        path = folder / "vectors.safetensors"
        content = path.read_bytes()
        mapped = np.frombuffer(content, np.uint8)
        tensors = safetensors.read_header(path, mapped)
        ours = {name: tensor.of(mapped) for name, tensor in tensors.items()} | dict(arrays or {})
        given = {name: np.asarray(array) for name, array in ours.items() if array is not None}
        head = safetensors.header(given, aligned="vectors", metadata={})
        body = b"".join(array.tobytes() for array in given.values())
        if header is not None:
            entries = msgspec.json.decode(head[8:])
            header(entries)
            text = msgspec.json.encode(entries)
            head = len(text).to_bytes(8, "little") + text
        path.write_bytes(head + (data(body) if data else body))
        write_record(folder)
        return folder

    return make
