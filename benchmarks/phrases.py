"""Learning phrases against gensim: the same text, the same options, the same list, in one run.

    python benchmarks/phrases.py TEXT [--runs 3] [--connectors] [--save]

TEXT has a sentence a line, words apart by blanks. Every run is a process of its own, and the two take turns. "list" is
from the file to all phrases with their scores; "counting" is gensim's Phrases(…) alone, which has no scores yet.
Processor time is that of all threads; it is what compares where other programs share the machine.
"""

import argparse
import json
import sys
import time

import measuring
from measuring import Summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--connectors", action="store_true", help="English connectors")
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    parser.add_argument("--child", choices=LEARNERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(LEARNERS[args.child](args.text, args.connectors)))
        return
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in LEARNERS}
    for _ in range(args.runs):
        for name, found in runs.items():
            options = ["--connectors"] if args.connectors else []
            found.append(measuring.in_own_process(__file__, args.text, "--child", name, *options))
            print(name, found[-1], file=sys.stderr)
    figures = [
        (name, measure, Summary.of(run[measure] for run in found), unit)
        for name, found in runs.items()
        for measure, unit in (
            ("list", "s"),
            ("counting", "s"),
            ("processor", "s"),
            ("memory", "bytes"),
            ("phrases", ""),
        )
    ]
    ours = runs["firth"]
    figures += [
        ("gensim / firth", measure, measuring.ratio([r[mine] for r in ours], [r[measure] for r in runs["gensim"]]), "x")
        for measure, mine in (("list", "list"), ("counting", "list"), ("processor", "processor"))
    ]
    for program, measure, summary, unit in figures:
        print(f"{program:16} {measure:10} {summary} {unit}")
    if args.save:
        measuring.save("phrases", "english connectors" if args.connectors else "defaults", figures)


def learn_firth(text: str, connectors: bool) -> dict[str, float]:
    import firth

    began, used = time.perf_counter(), time.process_time()
    learnt = firth.Phrases(connectors="english" if connectors else ()).fit(text)
    whole = time.perf_counter() - began
    return {"list": whole, "counting": whole, **spent(used), "phrases": len(learnt)}


def learn_gensim(text: str, connectors: bool) -> dict[str, float]:
    from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS, Phrases
    from gensim.models.word2vec import LineSentence

    began, used = time.perf_counter(), time.process_time()
    phrases = Phrases(LineSentence(text), connector_words=ENGLISH_CONNECTOR_WORDS if connectors else frozenset())
    counting = time.perf_counter() - began
    found = phrases.export_phrases()
    return {"list": time.perf_counter() - began, "counting": counting, **spent(used), "phrases": len(found)}


def spent(since: float) -> dict[str, float]:
    return {"processor": time.process_time() - since, "memory": measuring.peak_memory()}


LEARNERS = {"firth": learn_firth, "gensim": learn_gensim}


if __name__ == "__main__":
    main()
