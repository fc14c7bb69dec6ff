"""Word2Vec by firth and by its peers, with equal settings: each training is a process of its own.

    train("gensim", Training(text="news.txt"), output="vectors.txt")

Figures of a run: `speed`, words of the vocabulary before subsampling, a second, training alone; `whole`, seconds with
start-up, reading and counting; `memory`, bytes at most.
"""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import measuring

PEERS = ["gensim", "fasttext"]  # installed as packages; word2vec.c is a path to a binary


@dataclass(frozen=True)
class Training:
    """What every program is told."""

    text: str
    """A sentence a line, words apart by blanks."""
    architecture: str = "skipgram"
    loss: str = "ns"
    dim: int = 100
    window: int = 5
    negatives: int = 5
    subsample: float = 1e-3
    min_count: int = 5
    epochs: int = 1
    threads: int = 2
    seed: int = 1
    word2vec_c: str | None = None
    """The binary."""

    @property
    def lr(self) -> float:
        """The same for all programs."""
        return 0.025 if self.architecture == "skipgram" else 0.05

    def __str__(self) -> str:
        against = f", {self.negatives} negatives" if self.loss == "ns" else ""
        return f"{self.architecture} {self.loss} dim {self.dim}, window {self.window}{against}, {self.threads} threads"


def train(program: str, training: Training, output: Path | None = None) -> dict[str, float]:
    """Train in a process of its own; the vectors are written to `output` as word2vec text."""
    return measuring.in_own_process(__file__, program, json.dumps(asdict(training)), output or "")


def can(program: str, loss: str) -> bool:
    """Whether a program has an objective."""
    return loss != "softmax" or program in ("firth", "fasttext")


def train_firth(t: Training, output: str) -> dict[str, float]:
    import firth

    options = {name: getattr(t, name) for name in ("architecture", "loss", "dim", "window", "negatives", "lr", "seed")}
    options |= {name: getattr(t, name) for name in ("subsample", "min_count", "epochs")}
    epochs = []
    began = time.perf_counter()
    vectors = firth.Word2Vec(**options).fit(t.text, threads=t.threads, callbacks=[epochs.append], progress=False)
    whole = time.perf_counter() - began
    memory = measuring.peak_memory()
    if output:
        vectors.save_word2vec_format(output)
    seconds = sum(epoch.seconds for epoch in epochs)
    return {
        "speed": sum(epoch.words for epoch in epochs) / seconds,
        "whole": whole,
        "memory": memory,
        "tables": 2 * 4 * len(vectors) * t.dim,
        "windows": sum(epoch.examples for epoch in epochs) / seconds,
    }


def train_gensim(t: Training, output: str) -> dict[str, float]:
    from gensim.models import Word2Vec

    began = time.perf_counter()
    model = Word2Vec(
        vector_size=t.dim,
        window=t.window,
        negative=t.negatives if t.loss == "ns" else 0,
        hs=int(t.loss == "hs"),
        sample=t.subsample,
        min_count=t.min_count,
        workers=t.threads,
        sg=int(t.architecture == "skipgram"),
        alpha=t.lr,
        epochs=t.epochs,
        seed=t.seed,
    )
    model.build_vocab(corpus_file=t.text)
    start = time.perf_counter()
    sizes = {"total_words": model.corpus_total_words, "total_examples": model.corpus_count}
    model.train(corpus_file=t.text, epochs=t.epochs, **sizes)
    end = time.perf_counter()
    memory = measuring.peak_memory()
    if output:
        model.wv.save_word2vec_format(output)
    words = sum(model.wv.get_vecattr(i, "count") for i in range(len(model.wv)))
    return {"speed": t.epochs * words / (end - start), "whole": end - began, "memory": memory}


def train_fasttext(t: Training, output: str) -> dict[str, float]:
    import fasttext

    settings = {"dim": t.dim, "ws": t.window, "neg": t.negatives, "t": t.subsample, "lr": t.lr, "loss": t.loss}
    began = time.perf_counter()
    # maxn=0: no n-grams. Its words/s include reading, as it reads the text anew in every pass.
    trained = fasttext.train_unsupervised(
        t.text, model=t.architecture, epoch=t.epochs, minCount=t.min_count, maxn=0, thread=t.threads, **settings
    )
    whole = time.perf_counter() - began
    memory = measuring.peak_memory()
    words, counts = trained.get_words(include_freq=True)
    if output:
        with open(output, "w", encoding="utf-8") as file:
            file.write(f"{len(words)} {t.dim}\n")
            for word in words:
                file.write(word + " " + " ".join(map(str, trained.get_word_vector(word))) + "\n")
    return {"speed": t.epochs * int(counts.sum()) / whole, "whole": whole, "memory": memory}


def train_word2vec_c(t: Training, output: str) -> dict[str, float]:
    assert t.word2vec_c
    options = {
        "train": t.text,
        "output": output or os.devnull,
        "hs": int(t.loss == "hs"),
        "negative": t.negatives if t.loss == "ns" else 0,
        "cbow": int(t.architecture == "cbow"),
        "size": t.dim,
        "window": t.window,
        "sample": t.subsample,
        "min-count": t.min_count,
        "alpha": t.lr,
        "threads": t.threads,
        "iter": t.epochs,
    }
    command = [t.word2vec_c, *(str(part) for name, value in options.items() for part in (f"-{name}", value))]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    whole = time.perf_counter() - began
    speeds = re.findall(r"Words/thread/sec: ([\d.]+)k", done.stdout)
    if not speeds:
        sys.exit("word2vec.c says its speed every 10,000 words of a thread: the text is too short for it.")
    memory = measuring.peak_memory(children=True)
    return {"speed": float(speeds[-1]) * 1e3 * t.threads, "whole": whole, "memory": memory}


TRAINERS = {
    "firth": train_firth,
    "gensim": train_gensim,
    "fasttext": train_fasttext,
    "word2vec.c": train_word2vec_c,
}


if __name__ == "__main__":
    chosen, told, where = sys.argv[1:]
    print(json.dumps(TRAINERS[chosen](Training(**json.loads(told)), where)))
