"""What one waits for before anything happens: importing, opening a saved model, reading and counting a text.

    python benchmarks/startup.py TEXT [--runs 9]

Every figure is the median over processes of their own. A model is 70,000 × 100 vectors, opened with NumPy and
safetensors imported already and its files in the system's cache: the first time in a process, with what the program
itself has to import, and once more; then with the first neighbours asked for, as what is put off is not saved.
Reading: firth makes the whole encoded corpus, gensim the vocabulary alone.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measuring
from measuring import Summary

ROWS, DIM = 70_000, 100


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps({"seconds": CHILDREN[sys.argv[2]](*sys.argv[3:])}))
        return
    args = parse()
    with tempfile.TemporaryDirectory() as folder:
        save_models(Path(folder))
        model, peers = f"{folder}/firth", f"{folder}/gensim"
        compare(args, "import", {"firth": ["import", "firth"], "gensim": ["import", "gensim"]})
        compare(args, "open", {"firth": ["open", model], "gensim": ["open-gensim", peers]})
        compare(args, "open once more", {"firth": ["again", model], "gensim": ["again-gensim", peers]})
        compare(args, "open and ask", {"firth": ["ask", model], "gensim": ["ask-gensim", peers]})
        compare(args, "read and count", {"firth": ["read", args.text], "gensim": ["read-gensim", args.text]})


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", help="a sentence a line, words apart by blanks")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    return parser.parse_args()


def save_models(folder: Path) -> None:
    """The same vectors as firth and as gensim keep them."""
    import numpy as np
    from gensim.models import KeyedVectors

    import firth

    array = np.random.default_rng(0).normal(size=(ROWS, DIM)).astype(np.float32)
    keys = [f"word{i}" for i in range(ROWS)]
    counts = np.arange(ROWS, 0, -1)
    firth.Vectors(keys, array, counts=counts).save(folder / "firth")
    vectors = KeyedVectors(DIM)
    vectors.add_vectors(keys, array)
    vectors.save(str(folder / "gensim"))


def compare(args: argparse.Namespace, what: str, children: dict[str, list[str]]) -> None:
    """Each program in turn, `--runs` times, after one that warms the system's caches."""
    seconds: dict[str, list[float]] = {program: [] for program in children}
    for run in range(args.runs + 1):
        for program, child in children.items():
            found = measuring.in_own_process(__file__, "--child", *child)["seconds"]
            if run:
                seconds[program].append(found)
    less = measuring.ratio(seconds["firth"], seconds["gensim"])
    times = {program: Summary.of(1e3 * second for second in found) for program, found in seconds.items()}
    print(f"{what:<16} " + ", ".join(f"{name} {time_} ms" for name, time_ in times.items()), end="")
    print(f": firth × {less.median:.1f}", flush=True)
    if args.save:
        rows = [(program, what, summary, "ms") for program, summary in times.items()]
        measuring.save("startup", f"{ROWS} × {DIM}", [*rows, ("gensim", f"{what}: firth is faster", less, "×")])


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def seconds_to_import(name: str) -> float:
    return timed(lambda: __import__(name))


def opener(model: str) -> Callable[[], Any]:
    import safetensors.numpy  # noqa: F401  # and NumPy with it: imported beforehand, as the claim has it

    def opened() -> Any:
        import firth

        return firth.load(model)

    return opened


def opener_of_gensim(model: str) -> Callable[[], Any]:
    import numpy as np  # noqa: F401  # as above

    def opened() -> Any:
        from gensim.models import KeyedVectors

        return KeyedVectors.load(model, mmap="r")

    return opened


def seconds_to_open(open_model: Callable[[], Any]) -> float:
    return timed(open_model)


def seconds_to_open_again(open_model: Callable[[], Any]) -> float:
    open_model()
    return timed(open_model)


def seconds_to_ask(open_model: Callable[[], Any]) -> float:
    return timed(lambda: open_model().most_similar("word7"))


def seconds_to_read(text: str) -> float:
    from firth.tokens.encoded import encode

    return timed(lambda: encode(text, min_count=5).close())


def seconds_to_read_gensim(text: str) -> float:
    from gensim.models import Word2Vec

    model = Word2Vec(min_count=5)
    return timed(lambda: model.build_vocab(corpus_file=text))


CHILDREN: dict[str, Callable[..., float]] = {
    "import": seconds_to_import,
    "open": lambda model: seconds_to_open(opener(model)),
    "again": lambda model: seconds_to_open_again(opener(model)),
    "ask": lambda model: seconds_to_ask(opener(model)),
    "read": seconds_to_read,
    "open-gensim": lambda model: seconds_to_open(opener_of_gensim(model)),
    "again-gensim": lambda model: seconds_to_open_again(opener_of_gensim(model)),
    "ask-gensim": lambda model: seconds_to_ask(opener_of_gensim(model)),
    "read-gensim": seconds_to_read_gensim,
}


if __name__ == "__main__":
    main()
