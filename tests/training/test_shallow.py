"""The loop: blocks, the learning rate, threads, stopping."""

import dataclasses
import threading
import time

import numpy as np
import pytest

import firth
from firth.errors import ConfigError, DivergenceError, MemoryLimitError
from firth.kernels.architectures import ContinuousBag, SkipGram
from firth.kernels.noise import group_for
from firth.kernels.objectives import NegativeSampling
from firth.kernels.shallow import Corpus, Window
from firth.training import blocks as planning
from firth.training import shallow as loop
from firth.training import tables
from firth.training.objectives import TreeTop, hierarchical_softmax, noise_table, output_rows
from firth.training.progress import Silent


def setting(tokens=5000, words=50, epochs=3, lr=0.05, min_lr=0.001, dim=8, negatives=5, cbow=False):
    random = np.random.default_rng(0)
    lengths = np.full(tokens // 10, 10)
    bag = ContinuousBag(True, False, False, tables.aligned(1, 16))
    return planning.Setting(
        tables=tables.initialise(words, words, dim, 1),
        corpus=Corpus(
            planning.read_only(random.integers(0, words, tokens).astype(np.int32)),
            planning.read_only(np.concatenate([[0], np.cumsum(lengths)])),
            np.ones(words, np.float32),
        ),
        window=Window(5, True, 0),
        architecture=bag if cbow else SkipGram(np.zeros(1, np.int32)),
        objective=NegativeSampling(
            negatives, noise_table(np.full(words, 1 / words), negatives, 1), group_for(negatives)
        ),
        epochs=epochs,
        lr=lr,
        min_lr=min_lr,
        seed=1,
    )


def test_blocks_cover_the_text_once_in_order():
    made = list(planning.blocks(setting(), 1))
    assert [block.start for block in made] == [0, *(block.end for block in made[:-1])]
    assert made[-1].end == 5000
    assert [block.number for block in made] == list(range(len(made)))
    assert all(10 * block.sentence <= block.start < 10 * block.sentence + 10 for block in made)


def test_each_pass_draws_other_random_numbers():
    assert len({next(planning.blocks(setting(), number)).key for number in (1, 2, 3)}) == 3


def test_learning_rate_declines_in_a_straight_line_over_all_passes():
    plan = setting(epochs=2, lr=0.1, min_lr=0.02)
    assert [planning.learning_rate(plan, done) for done in (0, 5000, 10000)] == pytest.approx([0.1, 0.06, 0.02])
    second = next(planning.blocks(plan, 2))
    assert second.lr == pytest.approx(0.06)


def test_a_rate_below_the_least_stays():
    assert planning.learning_rate(setting(lr=0.01, min_lr=0.05), 3000) == 0.01


def test_every_pass_is_reported():
    seen = []
    epochs = loop.passes(setting(), threads=2, callbacks=[seen.append])
    assert seen == epochs
    assert [epoch.number for epoch in epochs] == [1, 2, 3]
    assert all(epoch.words == 5000 and epoch.examples == 5000 for epoch in epochs)
    assert [epoch.lr for epoch in epochs] == pytest.approx([0.1 / 3 + 0.001 / 3, 0.05 / 3 + 0.002 / 3, 0.001])
    # Words without structure: all there is to learn is that one in six is the true one.
    assert epochs[-1].loss == pytest.approx(np.log(6) + 5 * np.log(6 / 5), rel=0.02)


def test_threads_of_a_long_text_draw_noise_of_their_own(monkeypatch):
    monkeypatch.setattr(loop, "_TO_SHARE", 5000)
    one, other = (set(objective.noise.tolist()) for objective in loop._Hogwild(setting(), 2).objectives)
    assert one | other == set(range(50)) and len(one & other) <= 1
    monkeypatch.setattr(loop, "_TO_SHARE", 5001)
    whole = [set(objective.noise.tolist()) for objective in loop._Hogwild(setting(), 2).objectives]
    assert whole == [set(range(50))] * 2


def tree_setting(words=300, **options):
    plan = setting(words=words, tokens=20_000, **options)
    tree = hierarchical_softmax(
        firth.Vocabulary([f"w{word:03}" for word in range(words)], [*range(1000, 1000 - words, -1)])
    )
    made = tables.initialise(words, output_rows(tree, words), 8, 1)
    return dataclasses.replace(plan, objective=tree, tables=made)


def test_threads_of_a_long_text_have_the_top_of_the_tree_in_rows_of_their_own(monkeypatch):
    monkeypatch.setattr(loop, "_TO_SHARE", 5000)
    crew = loop._Hogwild(tree_setting(), 3)
    rows = [range(each.first + each.shift, each.first + each.shift + 63) for each in crew.objectives]
    assert rows == [range(299, 362), range(362, 425), range(425, 488)]
    assert [each.first for each in crew.objectives] == [236] * 3  # of 299 nodes the last 63; the root is the last
    assert loop._Hogwild(tree_setting(), 1).tops == [None]
    few = loop._Hogwild(tree_setting(words=60), 2)
    assert few.tops == [None, None] and few.objectives[0] == few.objectives[1]


def test_a_thread_moves_the_shared_top_by_its_share():
    outputs = np.zeros((500, 16), np.float32)
    one, other = (TreeTop(outputs, tree_setting().objective._replace(first=236, shift=shift), 2) for shift in (63, 126))
    outputs[236:299] = 1.0
    one.begin()
    other.begin()
    assert (outputs[299:425] == 1.0).all()
    one.own += 4.0
    one.end()
    other.own -= 2.0
    other.end()
    assert (outputs[236:299] == 2.0).all()  # the mean of 5 and -1
    one.begin()
    assert (one.own == 2.0).all() and (other.own == -1.0).all()


@pytest.mark.parametrize("cbow", [False, True])
def test_copies_of_the_top_learn_what_one_thread_learns(cbow, monkeypatch):
    monkeypatch.setattr(loop, "_TO_SHARE", 5000)
    losses = [loop.passes(tree_setting(cbow=cbow, epochs=4), threads=threads)[-1].loss for threads in (1, 2)]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    plan = tree_setting(cbow=cbow)
    loop.passes(plan, threads=2)
    nodes = loop.learnt(plan)["outputs"]
    assert nodes.shape == (299, 16) and nodes[236:].any(axis=1).all()


def test_a_loss_does_not_depend_on_how_many_measure_it(monkeypatch):
    monkeypatch.setattr(loop, "_TO_SHARE", 5000)
    losses = [loop._Examiner(setting(), setting().corpus, threads).loss() for threads in (1, 2)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_one_thread_gives_the_same_bytes():
    runs = []
    for _ in range(2):
        plan = setting()
        loop.passes(plan, threads=1)
        runs.append(plan.tables.inputs.tobytes() + plan.tables.outputs.tobytes())
    assert runs[0] == runs[1]


@pytest.mark.parametrize("cbow", [False, True])
def test_a_deterministic_run_gives_the_same_bytes_at_any_number_of_threads(cbow):
    runs = []
    for threads in (1, 2, 4, 11):
        plan = dataclasses.replace(setting(cbow=cbow, dim=100), deterministic=True)
        epochs = loop.passes(plan, threads=threads)
        learnt = plan.tables.inputs.tobytes() + plan.tables.outputs.tobytes()
        runs.append((learnt, [(epoch.loss, epoch.examples, epoch.words) for epoch in epochs]))
    assert all(run == runs[0] for run in runs)
    assert [run[1] for run in runs[0][1]] == [5000] * 3


@pytest.mark.parametrize("loss", ["ns", "hs", "softmax"])
@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_a_deterministic_run_learns_as_much(loss, architecture):
    text = [["a", "b", "c", "d", "e", "f"], ["u", "v", "w", "x", "y", "z"]] * 200
    model = firth.Word2Vec(dim=32, epochs=3, lr=0.05, subsample=0, loss=loss, architecture=architecture)

    def loss_of(deterministic, threads):
        runs = (model.replace(deterministic=deterministic, seed=seed).fit(text, threads=threads) for seed in range(4))
        return sum(run.provenance["epochs"][-1]["loss"] for run in runs)

    # Against one thread: what two lose among twelve words depends on how busy the machine is.
    losses = [loss_of(deterministic, threads) for deterministic, threads in ((False, 1), (True, 2))]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


def test_threads_share_the_blocks(monkeypatch):
    at_work = set()
    plain = loop.learn

    def noting(*arguments):
        at_work.add(threading.current_thread().name)
        time.sleep(0.001)
        return plain(*arguments)

    noting.signatures = [()]
    monkeypatch.setattr(loop, "learn", noting)
    loop.passes(setting(), threads=3)
    assert len(at_work - {"MainThread"}) >= 3


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_threads_must_be_a_number(threads):
    with pytest.raises(ConfigError, match="threads must be a whole number"):
        loop.passes(setting(), threads=threads)


def test_an_error_in_a_callback_or_a_thread_ends_the_run(monkeypatch):
    def stop(epoch):
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        loop.passes(setting(), threads=2, callbacks=[stop])

    def broken(tiles, tables, corpus, block, *rest):
        if block.start > 0:
            raise RuntimeError("kernel")
        return 0, 0.0, 0

    broken.signatures = [()]
    monkeypatch.setattr(loop, "learn", broken)
    with pytest.raises(RuntimeError, match="kernel"):
        loop.passes(setting(), threads=2)
    assert threading.active_count() == before


@pytest.mark.parametrize("cbow", [False, True])
def test_a_rate_that_is_too_high_is_found(cbow):
    with pytest.raises(DivergenceError, match=r"diverged in pass 1.*Lower lr \(it is 1000\)"):
        loop.passes(setting(cbow=cbow, lr=1000.0), threads=1)


def test_nan_in_the_tables_is_found():
    plan = setting()
    plan.tables.inputs[3, 0] = np.nan
    plan.tables.outputs[:, 0] = 1
    with pytest.raises(DivergenceError):
        loop.passes(plan, threads=1)


def test_progress_is_told_how_far_it_is():
    calls = []

    class Told(Silent):
        def training(self, done, total, loss):
            calls.append((done, total, loss))

    loop.passes(setting(), threads=2, progress=Told())
    done, total, loss = calls[-1]
    assert (done, total) == (15000, 15000)
    assert loss > 0


@pytest.mark.parametrize("dim", [1, 15, 16, 17, 100])
def test_tables_start_at_a_cache_line_and_lose_their_padding_in_place(dim):
    made = tables.initialise(1000, 10, dim, 3)
    inputs = made.inputs
    assert inputs.ctypes.data % 64 == 0
    assert inputs.shape == (1000, tables.padded(dim))
    assert tables.padded(dim) % 16 == 0 and tables.padded(dim) - dim < 16
    assert not inputs[:, dim:].any() and not made.outputs.any()
    assert np.abs(inputs[:, :dim]).max() <= 0.5 / dim
    expected = inputs[:, :dim].copy()
    plain = tables.without_padding(inputs, dim)
    assert plain.flags.c_contiguous and plain.shape == (1000, dim)
    assert np.array_equal(plain, expected)
    assert np.shares_memory(plain, inputs)


def test_tables_that_cannot_fit_are_refused(monkeypatch):
    monkeypatch.setattr(tables.machine, "memory_available", lambda: 1000)
    with pytest.raises(MemoryLimitError, match="Lower dim, raise min_count"):
        tables.initialise(10, 10, 100, 1)


@pytest.mark.parametrize("words", [1, 7, 1000])
def test_noise_comes_as_often_as_its_probability_says(words):
    probability = np.random.default_rng(2).random(words) ** 4
    probability[words // 2] = 0 if words > 1 else 1
    probability /= probability.sum()
    table = noise_table(probability, 5, 1)
    counts = np.bincount(table, minlength=words)
    assert np.abs(counts - probability * len(table)).max() <= 1.0001
    assert words == 1 or counts[words // 2] == 0
    assert not np.array_equal(table, np.sort(table)) or words == 1
    assert not np.array_equal(table, noise_table(probability, 5, 2)) or words == 1
