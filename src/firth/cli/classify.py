"""Classifiers: `firth train classifier`, `firth classify`, and the scores of `firth evaluate --labelled`."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

import firth
from firth.cli import show, tasks
from firth.cli.model_options import configured
from firth.cli.options import ConfigFile, Json, Threads, at_least_one
from firth.errors import ConfigError

if TYPE_CHECKING:
    from firth.evaluate.classify import LabelScores
    from firth.tuning.classify import Trial

_LINES = 1 << 14  # classified at a time: a pipe is answered while it runs
_HEADING = ("label", "precision", "recall", "f1", "texts", "predicted")


@Parameter(name="*", group="Search")  # its fields are options of the command
@dataclass(frozen=True, kw_only=True)
class Search:
    """The options of an autotune."""

    autotune: Annotated[
        int | None, Parameter(help="Search the options in so many trials; those that are typed stay as they are.")
    ] = None
    metric: Annotated[str, Parameter(help="What trials are judged by: f1, accuracy, macro_f1, or f1:LABEL.")] = "f1"
    size_limit: Annotated[
        str | None, Parameter(help="Prune and quantise every trial to this size: 500K, 2M. Alone: the model.")
    ] = None


@Parameter(name="*", group="Quantisation")
@dataclass(frozen=True, kw_only=True)
class Quantise:
    """How small the classifier is made once it is trained."""

    quantise: Annotated[bool, Parameter(help="Keep a byte for every two numbers.", negative=())] = False
    cutoff: Annotated[int | None, Parameter(help="Quantise the so many longest rows of words and n-grams alone.")] = (
        None
    )
    retrain: Annotated[
        bool, Parameter(help="Learn on with the rows that --cutoff left, before these become codes.", negative=())
    ] = False
    qout: Annotated[bool, Parameter(help="Codes for the rows of labels too.", negative=())] = False
    qnorm: Annotated[bool, Parameter(help="The length of a row has a byte of its own.")] = True
    dsub: Annotated[int, Parameter(help="Numbers of a row that share a byte.")] = 2

    @property
    def asked(self) -> bool:
        """Whether any of these was typed."""
        return self != Quantise()

    def of(self, classifier: Any, source: Any, threads: int | None) -> Any:
        """The classifier made smaller."""
        return classifier.quantise(
            cutoff=self.cutoff,
            retrain=source if self.retrain else None,
            qout=self.qout,
            qnorm=self.qnorm,
            dsub=self.dsub,
            threads=threads,
        )


def train(
    model: type[firth.TextClassifier],
    sources: Annotated[list[str], Parameter(help="Files of lines such as `__label__good a fine film`.")],
    /,
    *,
    output: Annotated[str, Parameter(alias="-o", group="Output", help="The folder to write the classifier to.")],
    json: Json = False,
    config: ConfigFile = None,
    threads: Threads = None,
    init: Annotated[
        str | None, Parameter(group="Run", help="A model or a vector file whose vectors to start from.")
    ] = None,
    frozen: Annotated[
        bool, Parameter(group="Run", help="The vectors from --init stay as they are.", negative=())
    ] = False,
    validation: Annotated[
        float | str | None,
        Parameter(group="Run", help="Score on this labelled file; with --autotune also a share (0.1), held out."),
    ] = None,
    quantise: Quantise = Quantise(),  # frozen
    search: Search = Search(),  # frozen
    **options: Any,
) -> None:
    """Learn to classify texts."""
    from firth.cli.train import check_target

    target, began = Path(output), time.perf_counter()
    check_target(target)
    settings = configured(model, config, options).checked()
    if frozen and init is None:
        raise ConfigError("--frozen keeps the vectors of --init as they are: give --init too.")
    source: Any = sources[0] if len(sources) == 1 else sources
    trials: list[Trial] = []
    if search.autotune is not None:
        if init is not None or quantise.asked:
            raise ConfigError("--autotune searches without --init, --quantise and --cutoff; --size-limit quantises.")
        found = _searched(settings, source, validation, search, threads)
        classifier, trials = found.classifier, list(found.trials)
    else:
        if isinstance(validation, float):
            raise ConfigError("--validation is a labelled file; a share is held out with --autotune alone.")
        classifier = settings.fit(source, init=init, frozen=frozen, threads=threads, progress=None)
        classifier = _smaller(classifier, quantise, source, search.size_limit, threads)
    classifier.save(output)
    scores = classifier.evaluate(validation) if isinstance(validation, str) else None
    document = {
        "model": output,
        "labels": len(classifier.classes_),
        "words": len(classifier.model_.features.words),
        "rows": classifier.model_.features.size,
        "bytes": classifier.nbytes,
        "seconds": time.perf_counter() - began,
        "epochs": classifier.provenance_["epochs"],
        **({} if scores is None else {"scores": scores.to_dict()}),
        **({"trials": [vars(trial) for trial in trials]} if trials else {}),
    }
    show.answer(document, [(output,)], as_json=json)
    _tell(classifier, output, document["seconds"], scores)


def _searched(settings: Any, source: Any, validation: Any, search: Search, threads: int | None) -> Any:
    """The search, whose trials are told as they end."""
    from firth.tuning.classify import autotune

    def report(trial: "Trial") -> None:
        told = " ".join(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
                        for name, value in trial.options.items())  # fmt: skip
        show.say(f"trial {trial.number}: {search.metric} {trial.score:.4f}, {trial.seconds:.1f} s  {told} {trial.note}")

    return autotune(
        settings,
        source,
        validation=0.1 if validation is None else validation,
        trials=search.autotune or 0,
        metric=search.metric,
        size_limit=search.size_limit,
        seed=settings.seed,
        threads=threads,
        report=report,
    )


def _smaller(classifier: firth.TextClassifier, how: Quantise, source: Any, size: str | None, threads: Any) -> Any:
    if size is not None:
        from firth.tuning.classify import bytes_of

        if how.asked:
            raise ConfigError("--size-limit says how small; --quantise and --cutoff say how. Give one of them.")
        return classifier.within(bytes_of(size))
    return how.of(classifier, source, threads) if how.asked else classifier


def _tell(classifier: Any, output: str, seconds: float, scores: "LabelScores | None") -> None:
    last = classifier.provenance_["epochs"][-1]
    judged = "" if scores is None else f", accuracy {scores.accuracy:.4f}, macro F1 {scores.macro_f1:.4f}"
    show.say(
        f"{len(classifier.classes_):,} labels, {len(classifier.model_.features.words):,} words, "
        f"{classifier.nbytes / 1e6:.1f} MB, {last['words_per_second'] / 1e6:.2f} M words/s, loss {last['loss']:.3f}"
        f"{judged}, {seconds:.1f} s in all. Try: firth classify {output} -"
    )


def classify(
    model: Annotated[
        str,
        Parameter(
            help="A folder of `firth train classifier` or `firth fine-tune`, or fastText's supervised .bin or .ftz."
        ),
    ],
    file: Annotated[str, Parameter(help="Texts, one a line, compressed or not; `-` is stdin.")] = "-",
    /,
    *,
    topk: Annotated[int | None, Parameter(help="So many of the likeliest labels for each text.")] = None,
    threshold: Annotated[float | None, Parameter(help="Labels of at least this probability alone.")] = None,
    json: Json = False,
) -> None:
    """Label texts: a line for each, of labels and how probable they are."""
    if topk is not None:
        at_least_one(topk, "--topk")
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError(f"--threshold must be between 0 and 1, not {threshold}.")
    if tasks.is_taught(model):
        tasks.classify(model, file, topk, threshold, json)
        return
    classifier = firth.TextClassifier.load(model)
    several = classifier.label_kind_ != "single" and topk is None and threshold is None
    least = classifier.threshold if several else threshold or 0.0
    k = topk or (len(classifier.classes_) if several or threshold is not None else 1)
    document: list[dict[str, object]] = []
    for texts in _texts(file):
        found = classifier.topk(texts, k, least)
        if json:
            named = [[{"label": label, "probability": p} for label, p in labels] for labels in found]
            document += [{"text": text, "labels": labels} for text, labels in zip(texts, named, strict=True)]
        else:
            rows = [[part for scored in labels for part in scored] for labels in found]
            show.answer(None, rows, as_json=False)
    if json:
        show.answer(document, [], as_json=True)


def _texts(file: str) -> Iterator[list[str]]:
    """The lines of a file, some at a time; of stdin as they come."""
    from firth.corpus.labelled import lines

    some: list[str] = []
    for line in lines(file) if file != "-" else (line.rstrip("\r\n") for line in sys.stdin):
        some.append(line)
        if len(some) >= _LINES or (file == "-" and sys.stdin.isatty()):
            yield some
            some = []
    if some:
        yield some


def evaluate(model: str, file: str, json: bool) -> None:
    """Precision, recall and F1 of every label on a labelled file; the scores of a network that was taught a task."""
    if tasks.is_taught(model):
        tasks.evaluate(model, file, json)
        return
    scores = firth.TextClassifier.load(model).evaluate(file)
    rows: list[tuple[object, ...]] = [
        (each.label, each.precision, each.recall, each.f1, each.texts, each.predicted) for each in scores.labels
    ]
    total = scores.total
    rows.append(("(all)", total.precision, total.recall, total.f1, scores.texts, total.predicted))
    show.answer({"labelled": scores.to_dict()}, rows, as_json=json, heading=_HEADING)
    show.say(f"accuracy {scores.accuracy:.4f}, macro F1 {scores.macro_f1:.4f}, {scores.texts:,} texts")
