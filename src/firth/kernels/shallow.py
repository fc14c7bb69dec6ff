"""The one engine of the shallow models: windows of text → rows → hidden vectors → objective → gradient → rows.

    `learn`            a block by one thread; others write into the same tables at the same time
    `learn_together`   blocks by all threads in step: the same bytes however many they are

    which rows make the hidden vectors      architectures.py: SkipGram, ContinuousBag
                                            word_bags.py: CentreBag, ContextBags
    which words they are held against       contexts.py: the centre, or the contexts
    which outputs stand for a word          objectives.py: NegativeSampling, HierarchicalSoftmax, Softmax
    scores and moves, the same for all      core.py

Randomness is a pure function of (key, position in the corpus), see rng.py: what is learnt does not depend on where
blocks begin, save for the noise words. The noise words of a window are shared by its hidden vectors (Ji et al. 2016).
"""

from typing import Any, NamedTuple

from firth.kernels.architectures import gather, scatter
from firth.kernels.barrier import meet
from firth.kernels.compiled import inlined, kernel
from firth.kernels.contexts import examples, faults, held_against, prefetch_inputs, sides
from firth.kernels.core import Scratch, prefetch_row, score
from firth.kernels.objectives import begin, prefetch_outputs
from firth.kernels.rng import below, random_bits, uniform

SKIPS = 1 << 61  # positions of the random stream from here on draw the context words, one per token


class Corpus(NamedTuple):
    """The text as word ids."""

    tokens: Any  # i4[n]
    sentences: Any  # i8[s + 1], offsets into tokens
    keep: Any  # f4[words], the probability that an occurrence is kept (subsampling)


class Block(NamedTuple):
    """The part of the corpus that one call learns from."""

    start: int  # first token
    end: int  # one past the last token
    sentence: int  # the sentence that `start` lies in
    number: int  # of the block in its pass: the noise starts elsewhere for each
    key: Any  # u8, the random stream of this pass
    lr: Any  # f4


class Window(NamedTuple):
    """Which words are a word's context."""

    size: int  # context words on either side, at most
    shrink: bool  # draw the reach of each window from 1 … size, as word2vec.c does
    skips: int  # of these, draw so many, without replacement; 0: all


@kernel
def learn(  # type: ignore[no-untyped-def]
    tiles, tables, corpus, block, window, architecture, objective, scratch, measure_every
):
    """Stochastic gradient descent over a block of text; Mikolov et al. 2013a, b.

    tables.inputs   f4[rows, D]     the context words' rows are moved in place
    tables.outputs  f4[targets, D]  the rows that the objective chooses are moved in place
    Returns (windows learnt from, loss, examples it was measured on): nats, summed over the hidden vectors of every
    `measure_every`-th window.
    """
    first, last, sentences = _kept(corpus, block, window, scratch)
    at = begin(objective, block, scratch)
    windows, loss, measured = 0, 0.0, 0
    start = 0
    for sentence in range(sentences):
        end = scratch.bounds[sentence]
        for centre in range(max(start, first), min(end, last)):
            contexts = _context(block, window, scratch, centre, start, end)
            if contexts == 0:
                continue
            word = scratch.words[centre]
            n, at = held_against(architecture, objective, word, contexts, at, scratch)
            _prefetch(tiles, tables, architecture, objective, scratch, centre, end, window.size, at)
            m = gather(architecture, 0, 16 * len(tiles), tables.inputs, contexts, scratch)
            score(tiles, tables.outputs, m, n, scratch)
            windows += 1
            measure = windows % measure_every == 0
            loss += faults(architecture, objective, word, contexts, m, n, block.lr, measure, scratch)
            measured += examples(architecture, m, contexts) if measure else 0
            scatter(architecture, 0, 16 * len(tiles), tables, m, n, contexts, scratch)
        start = end
    return windows, loss, measured


class Team(NamedTuple):
    """What the threads of `learn_together` share: the windows that are scored, not yet moved. A row is a window."""

    barrier: Any  # i8[8]
    cursors: Any  # i8[lanes, 5], next centre, last centre, its sentence's start and number, where the noise goes on
    totals: Any  # f8[lanes, 3], windows, loss, measured of each lane's thread
    contexts: Any  # i4[lanes · windows, 2·window + 1]
    offsets: Any  # i4[lanes · windows, 2·window]
    targets: Any  # i4[lanes · windows, 6·chunks]
    errors: Any  # f4[lanes · windows, chunks, 8·(2·window + 3)]
    sizes: Any  # i4[lanes · windows, 3], context words, hidden vectors, outputs; 0: no window


@kernel
def learn_together(  # type: ignore[no-untyped-def]
    tiles, tables, corpus, blocks, window, architecture, objective, scratches, team, member, members, measure_every
):
    """`learn` for `len(blocks)` blocks at once; every one of `members` threads calls it, with its number `member`.

    The threads go in step. First each scores a few windows of its share of the blocks, while nothing moves; then each
    moves, for all those windows in order, its share of the columns. Neither the scores nor the moves depend on
    how the work is shared. Returns what `learn` returns, for the whole, to member 0.
    """
    lanes, per_lane = len(blocks), len(team.sizes) // len(blocks)
    share = (len(tiles) + members - 1) // members * 16  # columns
    left, right = min(member * share, 16 * len(tiles)), min((member + 1) * share, 16 * len(tiles))
    for lane in range(member, lanes, members):
        first, last, _ = _kept(corpus, blocks[lane], window, scratches[lane])
        cursor, totals = team.cursors[lane], team.totals[lane]
        cursor[0], cursor[1], cursor[2], cursor[3] = first, last, 0, 0
        cursor[4] = begin(objective, blocks[lane], scratches[lane])
        totals[0], totals[1], totals[2] = 0.0, 0.0, 0.0
    meetings = 0
    left_over = True
    while left_over:
        for lane in range(member, lanes, members):
            _score_some(
                tiles, tables, blocks[lane], window, architecture, objective, scratches[lane], team, lane, per_lane,
                measure_every,
            )  # fmt: skip
        meetings += 1
        meet(team.barrier, members, meetings)
        left_over = False
        for slot in range(lanes * per_lane):
            contexts, m, n = team.sizes[slot, 0], team.sizes[slot, 1], team.sizes[slot, 2]
            if contexts > 0:
                _prefetch_slot(left, right, tables, team, slot + 1)
                left_over = True
                scored = _slot(scratches[0], scratches[member].hidden, scratches[member].moving, team, slot)
                gather(architecture, left, right, tables.inputs, contexts, scored)
                scatter(architecture, left, right, tables, m, n, contexts, scored)
        meetings += 1
        meet(team.barrier, members, meetings)
    windows, loss, measured = 0.0, 0.0, 0.0
    for lane in range(lanes):
        windows += team.totals[lane, 0]
        loss += team.totals[lane, 1]
        measured += team.totals[lane, 2]
    return int(windows), loss, int(measured)


@inlined
def _score_some(  # type: ignore[no-untyped-def]
    tiles, tables, block, window, architecture, objective, scratch, team, lane, per_lane, measure_every
):
    """Score the next `per_lane` windows of a lane into the team's slots; slots without a window get size 0."""
    cursor = team.cursors[lane]
    centre, last, start, sentence, at = cursor[0], cursor[1], cursor[2], cursor[3], cursor[4]
    used = 0
    while used < per_lane and centre < last:
        while scratch.bounds[sentence] <= centre:
            start = scratch.bounds[sentence]
            sentence += 1
        slot = lane * per_lane + used
        scored = _slot(scratch, scratch.hidden, scratch.moving, team, slot)
        end = scratch.bounds[sentence]
        contexts = _context(block, window, scored, centre, start, end)
        if contexts > 0:
            word = scratch.words[centre]
            n, at = held_against(architecture, objective, word, contexts, at, scored)
            _prefetch(tiles, tables, architecture, objective, scratch, centre, end, window.size, at)
            m = gather(architecture, 0, 16 * len(tiles), tables.inputs, contexts, scored)
            score(tiles, tables.outputs, m, n, scored)
            team.totals[lane, 0] += 1
            measure = team.totals[lane, 0] % measure_every == 0
            team.totals[lane, 1] += faults(architecture, objective, word, contexts, m, n, block.lr, measure, scored)
            team.totals[lane, 2] += examples(architecture, m, contexts) if measure else 0
            team.sizes[slot, 0], team.sizes[slot, 1], team.sizes[slot, 2] = contexts, m, n
            used += 1
        centre += 1
    for slot in range(lane * per_lane + used, (lane + 1) * per_lane):
        team.sizes[slot, 0] = 0
    cursor[0], cursor[2], cursor[3], cursor[4] = centre, start, sentence, at


@inlined
def _slot(scratch, hidden, moving, team, slot):  # type: ignore[no-untyped-def]
    """The scratch whose window is the team's slot."""
    return Scratch(
        scratch.words,
        scratch.places,
        scratch.reach,
        scratch.bounds,
        team.contexts[slot],
        moving,
        team.offsets[slot],
        hidden,
        team.targets[slot],
        scratch.labels,
        scratch.row,
        scratch.line,
        team.errors[slot],
    )


@inlined
def _prefetch(tiles, tables, architecture, objective, scratch, centre, end, reach, at):  # type: ignore[no-untyped-def]
    """Ask for the rows that the next window will bring in."""
    if centre + 1 < end:
        entering = scratch.words[min(centre + 1 + reach, end - 1)]
        read, held = sides(architecture, scratch.words[centre + 1], entering)
        prefetch_outputs(tiles, objective, tables.outputs, held, at)
        prefetch_inputs(architecture, 0, 16 * len(tiles), tables.inputs, read)


@inlined
def _prefetch_slot(left, right, tables, team, slot):  # type: ignore[no-untyped-def]
    """Ask for the columns that the moves of a slot's window will touch."""
    if slot < len(team.sizes):
        for j in range(team.sizes[slot, 0]):
            prefetch_row(left, right, tables.inputs, team.contexts[slot, j])
        for k in range(team.sizes[slot, 2]):
            prefetch_row(left, right, tables.outputs, team.targets[slot, k])


@inlined
def _kept(corpus, block, window, scratch):  # type: ignore[no-untyped-def]
    """The block's tokens that subsampling keeps, with the margins that its windows look into.

    Fills scratch.words, places, reach and bounds. Returns (first, last, sentences): words[first:last] belong to the
    block, the others to its neighbours, and sentence i ends before words[bounds[i]].
    """
    words, bounds = scratch.words, scratch.bounds
    n = 0
    opening = corpus.sentences[block.sentence]
    p = block.start - 1
    while p >= opening and n < window.size and block.start - p <= _MARGIN_SCAN:  # backwards
        if _keep(corpus, block, p):
            words[n] = corpus.tokens[p]
            n += 1
        p -= 1
    for i in range(n // 2):
        words[i], words[n - 1 - i] = words[n - 1 - i], words[i]
    first = n

    sentence = block.sentence
    closing = corpus.sentences[sentence + 1]
    sentences = 0
    for p in range(block.start, block.end):
        while p >= closing:
            bounds[sentences] = n
            sentences += 1
            sentence += 1
            closing = corpus.sentences[sentence + 1]
        bits = random_bits(block.key, p)
        word = corpus.tokens[p]
        if uniform(bits) < corpus.keep[word]:
            words[n] = word
            scratch.places[n] = p - block.start
            scratch.reach[n] = 1 + below(bits, window.size) if window.shrink else window.size
            n += 1
    last = n

    p = block.end
    while p < closing and n < last + window.size and p - block.end < _MARGIN_SCAN:  # forwards
        if _keep(corpus, block, p):
            words[n] = corpus.tokens[p]
            n += 1
        p += 1
    bounds[sentences] = n
    return first, last, sentences + 1


_MARGIN_SCAN = 65_536  # tokens looked at for a margin: an endless run of one dropped word must not cost an endless scan


@inlined
def _keep(corpus, block, p):  # type: ignore[no-untyped-def]
    return uniform(random_bits(block.key, p)) < corpus.keep[corpus.tokens[p]]


@inlined
def _context(block, window, scratch, centre, start, end):  # type: ignore[no-untyped-def]
    """Fill scratch.contexts and offsets with the words around `centre` inside its sentence; returns how many."""
    contexts, offsets = scratch.contexts, scratch.offsets
    reach = scratch.reach[centre]
    m = 0
    for i in range(max(start, centre - reach), centre):
        contexts[m] = scratch.words[i]
        offsets[m] = window.size - (centre - i)
        m += 1
    for i in range(centre + 1, min(end, centre + reach + 1)):
        contexts[m] = scratch.words[i]
        offsets[m] = window.size + (i - centre) - 1
        m += 1
    if 0 < window.skips < m:  # the first steps of a Fisher–Yates shuffle
        key = random_bits(block.key, SKIPS + block.start + scratch.places[centre])
        for j in range(window.skips):
            other = j + below(random_bits(key, j), m - j)
            contexts[j], contexts[other] = contexts[other], contexts[j]
            offsets[j], offsets[other] = offsets[other], offsets[j]
        m = window.skips
    contexts[len(contexts) - 1] = scratch.words[centre]
    return m
