"""The same vectors, the same questions, the same answers: firth.Vectors against gensim's KeyedVectors."""

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firth.evaluate.analogy import analogies
from firth.evaluate.similarity import pairs
from firth.vectors.table import Vectors

gensim_vectors = pytest.importorskip("gensim.models.keyedvectors")
logging.getLogger("gensim").setLevel(logging.ERROR)

RNG = np.random.default_rng(20)
NUMBER, DIM = 300, 12
KEYS = [f"word{place}" for place in range(NUMBER)]
TABLE = (RNG.normal(size=(NUMBER, DIM)) * RNG.uniform(0.2, 5, (NUMBER, 1))).astype(np.float32)


def pair(keys: list[str], table: np.ndarray, counts: list[int] | None = None) -> tuple[Vectors, object]:
    theirs = gensim_vectors.KeyedVectors(table.shape[1])
    theirs.add_vectors(keys, table.copy())
    for key, count in zip(keys, counts or [], strict=False):
        theirs.set_vecattr(key, "count", count)
    return Vectors(keys, table, counts=counts), theirs


OURS, THEIRS = pair(KEYS, TABLE, [*range(NUMBER, 0, -1)])
VECTOR = RNG.normal(size=DIM).astype(np.float32)


def agree(ours: object, theirs: object) -> None:
    """The same shape of answer, the same keys in the same order, numbers equal to 1e-6."""
    if isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            agree(one, other)
    elif isinstance(theirs, str | dict):
        assert ours == theirs
    else:
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


QUESTIONS = {
    "most_similar of a key": lambda v: v.most_similar("word3"),
    "most_similar of a list": lambda v: v.most_similar(["word3", "word9"]),
    "most_similar of positive and negative": lambda v: v.most_similar(positive=["word3", "word4"], negative=["word9"]),
    "most_similar, one negative": lambda v: v.most_similar(negative="word9"),
    "most_similar of a vector": lambda v: v.most_similar(VECTOR),
    "most_similar of negative vectors": lambda v: v.most_similar("word1", negative=[VECTOR, 2 * VECTOR]),
    "most_similar of vectors and keys": lambda v: v.most_similar(["word3", VECTOR], [3 * VECTOR]),
    "most_similar of an array of vectors": lambda v: v.most_similar(TABLE[:4]),
    "most_similar of a vector not of length one": lambda v: v.most_similar([100 * VECTOR, "word1"]),
    "most_similar with weights": lambda v: v.most_similar([("word3", 0.3), ("word4", 2)], [("word9", 0.5)]),
    "most_similar with a weighted vector": lambda v: v.most_similar([(VECTOR, 0.3), "word4"]),
    "most_similar with a negative weight": lambda v: v.most_similar(["word3", ("word5", -1.0)]),
    "most_similar of rows": lambda v: v.most_similar([3, np.int64(4)], [9]),
    "most_similar of a weighted row": lambda v: v.most_similar([(3, 0.5), 4]),
    "most_similar, the same key twice": lambda v: v.most_similar(["word3", "word3", "word4"]),
    "most_similar, three": lambda v: v.most_similar("word3", topn=3),
    "most_similar, by place": lambda v: v.most_similar(["word3"], ["word4"], 7),
    "most_similar, none": lambda v: v.most_similar("word3", topn=0),
    "most_similar, fewer than none": lambda v: v.most_similar("word3", topn=-2),
    "most_similar, none of nothing": lambda v: v.most_similar(topn=0),
    "most_similar, all cosines": lambda v: v.most_similar(["word3"], ["word4"], topn=None),
    "most_similar, all cosines of some": lambda v: v.most_similar(["word3"], topn=None, restrict_vocab=20),
    "most_similar, more than there are": lambda v: v.most_similar("word3", topn=1000),
    "most_similar among some": lambda v: v.most_similar("word3", restrict_vocab=15),
    "most_similar among some without the key": lambda v: v.most_similar("word40", restrict_vocab=8, topn=100),
    "most_similar among more than all": lambda v: v.most_similar("word3", restrict_vocab=10_000),
    "most_similar among none is among all": lambda v: v.most_similar("word3", restrict_vocab=0),
    "similar_by_key": lambda v: v.similar_by_key("word5", topn=4, restrict_vocab=50),
    "similar_by_word": lambda v: v.similar_by_word("word5", 4),
    "similar_by_word, all": lambda v: v.similar_by_word("word5", topn=None),
    "similar_by_vector": lambda v: v.similar_by_vector(VECTOR, topn=4, restrict_vocab=50),
    "similar_by_vector of a row": lambda v: v.similar_by_vector(v["word5"], 4),
    "cosmul": lambda v: v.most_similar_cosmul(positive=["word3", "word4"], negative=["word9"]),
    "cosmul of one": lambda v: v.most_similar_cosmul("word3", topn=4),
    "cosmul of two sides": lambda v: v.most_similar_cosmul("word3", "word4"),
    "cosmul of a vector": lambda v: v.most_similar_cosmul([VECTOR / 5, "word3"], ["word9"]),
    "cosmul, all scores": lambda v: v.most_similar_cosmul(["word3"], ["word4"], topn=None),
    "cosmul, none": lambda v: v.most_similar_cosmul(["word3"], topn=0),
    "wmdistance": lambda v: [v.wmdistance(KEYS[i : i + 4], KEYS[2 * i + 1 : 2 * i + 6]) for i in range(20)],
    "wmdistance, words again": lambda v: v.wmdistance(["word1", "word1", "word2"], ["word2", "word3", "unknown"]),
    "wmdistance of vectors as they are": lambda v: v.wmdistance(KEYS[:5], KEYS[9:12], norm=False),
    "wmdistance of nothing known": lambda v: v.wmdistance(["unknown"], KEYS[9:12]),
    "wmdistance of the same": lambda v: v.wmdistance(["word1"], ["word1", "word1"]),
    "similarity": lambda v: v.similarity("word1", "word2"),
    "similarity of rows": lambda v: v.similarity(1, "word2"),
    "similarity with itself": lambda v: v.similarity("word1", "word1"),
    "distance": lambda v: v.distance("word1", "word2"),
    "distances": lambda v: v.distances("word1"),
    "distances to some": lambda v: v.distances("word1", ["word2", "word1", "word7"]),
    "distances of a vector": lambda v: v.distances(VECTOR, ("word2", 3)),
    "distances of a long vector": lambda v: v.distances(50 * VECTOR),
    "n_similarity": lambda v: v.n_similarity(["word1", "word2"], ["word3", "word4", "word5"]),
    "n_similarity passes over unknown keys": lambda v: v.n_similarity(["word1", "unknown"], ["word3", "word3"]),
    "n_similarity of unknown keys": lambda v: v.n_similarity(["unknown"], ["word3"]),
    "doesnt_match": lambda v: [v.doesnt_match(KEYS[place : place + 5]) for place in range(40)],
    "doesnt_match passes over unknown keys": lambda v: v.doesnt_match(["unknown", *KEYS[:4]]),
    "doesnt_match of one": lambda v: v.doesnt_match(["word1"]),
    "rank": lambda v: [v.rank("word1", key) for key in KEYS],
    "rank of itself": lambda v: v.rank("word1", "word1"),
    "closer_than": lambda v: [v.closer_than("word1", key) for key in KEYS[:30]],
    "most_similar_to_given": lambda v: [v.most_similar_to_given(key, KEYS[20:27]) for key in KEYS[:30]],
    "get_vector": lambda v: v.get_vector("word7"),
    "get_vector of length one": lambda v: v.get_vector("word7", norm=True),
    "get_mean_vector": lambda v: v.get_mean_vector(["word1", "word2"]),
    "get_mean_vector, weights": lambda v: v.get_mean_vector(["word1", "word2", VECTOR], weights=[0.5, -2, 1]),
    "get_mean_vector, an array of weights": lambda v: v.get_mean_vector(["word1", "word2"], np.array([3.0, 1.0])),
    "get_mean_vector as they are": lambda v: v.get_mean_vector(["word1", "word2"], pre_normalize=False),
    "get_mean_vector to length one": lambda v: v.get_mean_vector(["word1", "word2"], post_normalize=True),
    "get_mean_vector passes over unknown keys": lambda v: v.get_mean_vector(["word1", "unknown", 2]),
    "get_mean_vector of vectors": lambda v: v.get_mean_vector(TABLE[:5]),
    "get_mean_vector of unknown keys": lambda v: v.get_mean_vector(["unknown"]),
    "get_mean_vector of weights 0": lambda v: v.get_mean_vector(["word1"], weights=[0]),
    "get_normed_vectors": lambda v: v.get_normed_vectors(),
    "get_vecattr": lambda v: [v.get_vecattr(key, "count") for key in KEYS],
    "get_index": lambda v: [v.get_index("word7"), v.get_index(7), v.get_index("unknown", -1)],
    "index_to_key": lambda v: v.index_to_key,
    "key_to_index": lambda v: v.key_to_index,
    "vectors": lambda v: v.vectors,
    "vector_size": lambda v: v.vector_size,
    "len": len,
    "one item": lambda v: v["word7"],
    "items": lambda v: v[["word7", "word8", "word7"]],
    "items by row": lambda v: v[[7, "word8"]],
    "in": lambda v: [float("word7" in v), float("unknown" in v)],
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_same_question_has_the_same_answer(name: str) -> None:
    agree(QUESTIONS[name](OURS), QUESTIONS[name](THEIRS))


REFUSED = {
    "unknown key": (lambda v: v["unknown"], KeyError),
    "unknown among items": (lambda v: v[["word1", "unknown"]], KeyError),
    "row beyond the last": (lambda v: v[NUMBER], KeyError),
    "row before the first": (lambda v: v[-1], KeyError),
    "most_similar of an unknown key": (lambda v: v.most_similar(["word1", "unknown"]), KeyError),
    "most_similar of nothing": (lambda v: v.most_similar(), ValueError),
    "similarity with an unknown key": (lambda v: v.similarity("word1", "unknown"), KeyError),
    "distances to an unknown key": (lambda v: v.distances("word1", ["unknown"]), KeyError),
    "rank of an unknown key": (lambda v: v.rank("word1", "unknown"), KeyError),
    "mean of nothing": (lambda v: v.get_mean_vector([]), ValueError),
    "mean with missing weights": (lambda v: v.get_mean_vector(["word1", "word2"], weights=[1]), ValueError),
    "mean of unknown keys": (lambda v: v.get_mean_vector(["unknown"], ignore_missing=False), KeyError),
    "cosmul of nothing positive": (lambda v: v.most_similar_cosmul(negative=["word1"]), ValueError),
    "odd one out of nothing": (lambda v: v.doesnt_match([]), ValueError),
    "get_index of an unknown key": (lambda v: v.get_index("unknown"), KeyError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_gensim_refuses_is_refused_alike(name: str) -> None:
    ask, error = REFUSED[name]
    for vectors in (OURS, THEIRS):
        with pytest.raises(error):
            ask(vectors)


keys = st.sampled_from(KEYS)
items = st.one_of(keys, st.integers(0, NUMBER - 1), st.tuples(keys, st.floats(0.1, 3)))


@given(
    positive=st.lists(items, min_size=1, max_size=4),
    negative=st.lists(items, max_size=3),
    topn=st.integers(0, NUMBER + 5),
    restrict_vocab=st.one_of(st.none(), st.integers(0, NUMBER + 5)),
)
def test_most_similar_agrees_whatever_is_asked(
    positive: list, negative: list, topn: int, restrict_vocab: int | None
) -> None:
    assume(np.linalg.norm(OURS.get_mean_vector(*weighed(positive, negative))) > 0.05)  # else rounding alone decides
    arguments = {"positive": positive, "negative": negative, "topn": topn, "restrict_vocab": restrict_vocab}
    mine, other = OURS.most_similar(**arguments), THEIRS.most_similar(**arguments)
    np.testing.assert_allclose([score for _, score in mine], [score for _, score in other], atol=2e-6)
    apart = np.abs(np.diff([score for _, score in mine])) > 4e-6
    for place, (one, two) in enumerate(zip(mine, other, strict=True)):
        if apart[max(0, place - 1) : place + 1].all():  # no neighbour within rounding
            assert one[0] == two[0]


def weighed(positive: list, negative: list) -> tuple[list, list]:
    parts = [(item if isinstance(item, tuple) else (item, 1.0)) for item in positive]
    parts += [(item if isinstance(item, tuple) else (item, -1.0)) for item in negative]
    return [key for key, _ in parts], [weight for _, weight in parts]


@pytest.mark.parametrize("exponent", [1.0, 2.0])
@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_soft_cosine_agrees(exponent: float, threshold: float) -> None:
    from gensim.corpora import Dictionary
    from gensim.similarities import SparseTermSimilarityMatrix, WordEmbeddingSimilarityIndex

    documents = [KEYS[place : place + 5] + KEYS[place : place + place % 3] for place in range(0, 60, 4)]
    dictionary = Dictionary([KEYS])
    index = WordEmbeddingSimilarityIndex(THEIRS, threshold=threshold, exponent=exponent)
    matrix = SparseTermSimilarityMatrix(index, dictionary, nonzero_limit=None, symmetric=True, dominant=False)
    for one, other in zip(documents, documents[3:], strict=False):
        bags = dictionary.doc2bow(one), dictionary.doc2bow(other)
        expected = matrix.inner_product(*bags, normalized=(True, True))
        assert OURS.soft_cosine(one, other, exponent=exponent, threshold=threshold) == pytest.approx(expected, abs=1e-5)


# ---------------------------------------------------------------- scores

# A table with a plan: words in several capitals, close to each other, so that the rules about them matter.
STEMS = [f"stem{place}" for place in range(60)]
CASED = [form for stem in STEMS for form in (stem, stem.capitalize(), stem.upper())]
CLOSE = np.repeat(RNG.normal(size=(60, 8)), 3, axis=0) + 0.3 * RNG.normal(size=(180, 8))
CASED_OURS, CASED_THEIRS = pair(CASED, CLOSE.astype(np.float32))


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("analogies") / "questions.txt"
    rng = np.random.default_rng(5)
    words = [*CASED, "unknown"]
    lines = [": first part"]
    for place in range(600):
        if place in (200, 400, 401):
            lines.append(f": part {place}")
        lines.append(" ".join(words[rng.integers(len(words))] for _ in range(4)))
        a, b, c = rng.choice(60, 3, replace=False)  # answers that are there to be found
        near = CASED_OURS.most_similar([STEMS[b], STEMS[c]], [STEMS[a]], topn=1)[0][0]
        lines.append(f"{STEMS[a]} {STEMS[b]} {STEMS[c]} {near}")
    path.write_text("\n".join(lines) + "\n")
    return path


OPTIONS = [
    {},
    {"case_insensitive": False},
    {"dummy4unknown": True},
    {"restrict_vocab": 100},
    {"restrict_vocab": 7},
    {"restrict_vocab": 50, "case_insensitive": False, "dummy4unknown": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_analogies_give_gensims_numbers(questions: Path, options: dict) -> None:
    score, sections = CASED_OURS.evaluate_word_analogies(questions, **options)
    their_score, their_sections = CASED_THEIRS.evaluate_word_analogies(str(questions), **options)
    assert score == pytest.approx(their_score, abs=1e-6)
    assert sections == their_sections
    if not options:
        assert 0.1 < score < 0.9


def test_three_cos_mul_gives_gensims_numbers(questions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its `similarity_function=` is not used (gensim 4.4), so its five best are asked for question by question."""
    monkeypatch.setattr(CASED_THEIRS, "most_similar", CASED_THEIRS.most_similar_cosmul)
    score, sections = CASED_THEIRS.evaluate_word_analogies(str(questions))
    found = analogies(CASED_OURS, questions, method="mul")
    assert found.accuracy == pytest.approx(score, abs=1e-6)
    assert [[*part.correct] for part in (*found.sections, found.total)] == [part["correct"] for part in sections]
    assert found.total.correct != analogies(CASED_OURS, questions).total.correct


def test_gensim_looks_at_five_answers_and_so_does_firth(tmp_path: Path) -> None:
    """d comes after so many forms of c: found after four, not after five."""
    (tmp_path / "file").write_text(": s\nab cd efgh answer\n")
    forms = ["EFGH", "Efgh", "eFgh", "efGh", "efgH"]
    accuracies = []
    for number in (4, 5):
        table = [[0, 1.0], [0, 1], [1, 0], *([1, 0.01 * (place + 1)] for place in range(number)), [1, 0.2]]
        ours, theirs = pair(["ab", "cd", "efgh", *forms[:number], "answer"], np.array(table, np.float32))
        accuracies.append(ours.evaluate_word_analogies(tmp_path / "file")[0])
        assert accuracies[-1] == theirs.evaluate_word_analogies(str(tmp_path / "file"))[0]
    assert accuracies == [1, 0]


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    rng = np.random.default_rng(6)
    words = [*CASED, "unknown", "Unheard"]
    lines = ["# a comment", "word\tword\trating"]
    for one, two in rng.integers(len(words), size=(400, 2)):
        if words[one].casefold() == words[two].casefold():
            continue  # gensim's cosines of a word with itself are 1 give or take its rounding, and so are their ranks
        lines.append(f"{words[one]}\t{words[two]}\t{rng.integers(0, 40) / 4}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("options", [*OPTIONS[:4], OPTIONS[5], {"delimiter": "\t"}, {"encoding": "latin-1"}], ids=str)
def test_word_pairs_give_gensims_numbers(rated: Path, options: dict) -> None:
    agree(CASED_OURS.evaluate_word_pairs(rated, **options), CASED_THEIRS.evaluate_word_pairs(str(rated), **options))


def test_real_question_files_give_gensims_numbers(shared_data) -> None:
    """Every eighth of Google's questions and all of WordSim-353 and MEN, on random vectors for their own words."""
    english = shared_data("wordeval/en")
    lines = (english / "questions-words.txt").read_text().splitlines()
    chosen = [line for place, line in enumerate(lines) if line.startswith(":") or place % 8 == 0]
    vocabulary = list(dict.fromkeys(word for line in lines if not line.startswith(":") for word in line.split()))
    rng = np.random.default_rng(1)
    base = {word.casefold(): rng.normal(size=3) for word in vocabulary}  # so few dimensions that some come out right
    table = np.array([base[word.casefold()] + 0.1 * rng.normal(size=3) for word in vocabulary], np.float32)
    ours, theirs = pair(vocabulary[:-40], table[:-40])
    agree_on_file(ours, theirs, chosen)
    for name in ("ws353.tsv", "men3000.tsv"):
        agree(ours.evaluate_word_pairs(english / name), theirs.evaluate_word_pairs(str(english / name)))
        found = pairs(ours, english / name)
        assert 0 < found.coverage < 1


def agree_on_file(ours: Vectors, theirs: object, lines: list[str]) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile("w", encoding="utf8") as file:
        file.write("\n".join(lines))
        file.flush()
        score, sections = theirs.evaluate_word_analogies(file.name)
    found = analogies(ours, lines)
    assert found.accuracy == pytest.approx(score, abs=1e-6)
    assert [[*part.correct] for part in (*found.sections, found.total)] == [part["correct"] for part in sections]
    assert [[*part.incorrect] for part in (*found.sections, found.total)] == [part["incorrect"] for part in sections]
