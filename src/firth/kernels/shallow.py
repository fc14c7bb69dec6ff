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
from firth.kernels.core import Scratch, add_scores, prefetch_row, score
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
    after: bool = True  # whether words after the centre are its context too


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
            score(0, 16 * len(tiles), tables.outputs, m, n, scratch)
            windows += 1
            measure = windows % measure_every == 0
            loss += faults(architecture, objective, word, contexts, m, n, block.lr, measure, scratch)
            measured += examples(architecture, m, contexts) if measure else 0
            scatter(architecture, 0, 16 * len(tiles), tables, m, n, contexts, scratch)
        start = end
    return windows, loss, measured


class Team(NamedTuple):
    """What the threads of `learn_together` share: the windows of a round. A slot is a window.

    What a thread writes often has cache lines of its own: a line that two of them write to goes to and fro.
    """

    barrier: Any  # i8[8]
    cursors: Any  # i8[lanes, 8], next centre, last centre, its sentence's start and number, where the noise goes on
    totals: Any  # f8[lanes, 8], windows, loss, measured of each lane
    contexts: Any  # i4[slots, 2·window + 1], slots = lanes · windows
    offsets: Any  # i4[slots, 2·window]
    targets: Any  # i4[slots, 6·chunks]
    scores: Any  # f4[2, slots, chunks, 8·(2·window + 3)], by the left columns and by the right ones; then errors in [0]
    hidden: Any  # i4[slots], hidden vectors; written by those who score the left half
    windows: Any  # i8[slots, 8], context words (0: no window), outputs, centre word, where its noise begins, measured


CONTEXTS, OUTPUTS, WORD, NOISE_AT, MEASURED = range(5)  # columns of Team.windows


@kernel
def learn_together(  # type: ignore[no-untyped-def]
    tiles, tables, corpus, blocks, window, architecture, objective, scratches, team, member, members, measure_every
):
    """`learn` for `len(blocks)` blocks at once; every one of `members` threads calls it, with its number `member`.

    A thread owns columns of both tables, for good: no other one reads or writes them, so no row goes from one
    processor's cache to another's. The threads go in step, in rounds of some windows of each block:

    1. cut    the windows and their targets, shared among the threads
    2. score  by the thread's half of the columns (left or right); those of one half share the windows
    3. errors of the two halves' sum, shared among the threads
    4. move   the thread's columns of all rows, window after window

    None of it depends on how the work is shared. Returns what `learn` returns, for the whole, to member 0.
    """
    lanes = len(blocks)
    for lane in range(member, lanes, members):
        first, last, _ = _kept(corpus, blocks[lane], window, scratches[lane])
        cursor, totals = team.cursors[lane], team.totals[lane]
        cursor[0], cursor[1], cursor[2], cursor[3] = first, last, 0, 0
        per_lane = len(team.windows) // lanes
        for slot in range(lane * per_lane, (lane + 1) * per_lane):
            cursor[4] = begin(objective, blocks[lane], _slot(scratches[lane], team, slot, 0))
        totals[0], totals[1], totals[2] = 0.0, 0.0, 0.0
    meetings = 0
    left_over = True
    while left_over:
        for lane in range(member, lanes, members):
            _cut_some(blocks[lane], window, architecture, objective, scratches[lane], team, lane, lanes, measure_every)
        meetings += 1
        meet(team.barrier, members, meetings)
        for half in range(2):
            if members == 1 or member % 2 == half:
                _score_half(tiles, tables, architecture, scratches[member], team, half, member, members)
        meetings += 1
        meet(team.barrier, members, meetings)
        for lane in range(member, lanes, members):
            _errors_of_lane(blocks[lane], architecture, objective, scratches[lane], team, lane, lanes)
        meetings += 1
        meet(team.barrier, members, meetings)
        left_over = _move_columns(tiles, tables, architecture, scratches[member], team, member, members)
        meetings += 1
        meet(team.barrier, members, meetings)
    windows, loss, measured = 0.0, 0.0, 0.0
    for lane in range(lanes):
        windows += team.totals[lane, 0]
        loss += team.totals[lane, 1]
        measured += team.totals[lane, 2]
    return int(windows), loss, int(measured)


@inlined
def _cut_some(  # type: ignore[no-untyped-def]
    block, window, architecture, objective, scratch, team, lane, lanes, measure_every
):
    """Cut the next windows of a lane into its slots; slots without a window get 0 context words."""
    cursor, per_lane = team.cursors[lane], len(team.windows) // lanes
    centre, last, start, sentence, at = cursor[0], cursor[1], cursor[2], cursor[3], cursor[4]
    slot, end_of_lane = lane * per_lane, (lane + 1) * per_lane
    count = team.totals[lane, 0]
    while slot < end_of_lane and centre < last:
        while scratch.bounds[sentence] <= centre:
            start = scratch.bounds[sentence]
            sentence += 1
        cut = _slot(scratch, team, slot, 0)
        contexts = _context(block, window, cut, centre, start, scratch.bounds[sentence])
        if contexts > 0:
            word, cut_out = scratch.words[centre], team.windows[slot]
            cut_out[NOISE_AT] = at
            n, at = held_against(architecture, objective, word, contexts, at, cut)
            count += 1
            cut_out[CONTEXTS], cut_out[OUTPUTS], cut_out[WORD] = contexts, n, word
            cut_out[MEASURED] = count % measure_every == 0
            slot += 1
        centre += 1
    for empty in range(slot, end_of_lane):
        team.windows[empty, CONTEXTS] = 0
    team.totals[lane, 0] = count
    cursor[0], cursor[2], cursor[3], cursor[4] = centre, start, sentence, at


@inlined
def _score_half(tiles, tables, architecture, scratch, team, half, member, members):  # type: ignore[no-untyped-def]
    """team.scores[half] of this thread's share of the windows, by the left or the right half of the columns."""
    left, right = _half(tiles, half)
    sharing = max(1, (members + 1 - half) // 2)
    for slot in range(member // 2, len(team.windows), sharing):
        cut = team.windows[slot]
        if cut[CONTEXTS] > 0:
            _prefetch_slot(left, right, tables, team, slot + sharing)
            scored = _slot(scratch, team, slot, half)
            m = gather(architecture, left, right, tables.inputs, cut[CONTEXTS], scored)
            score(left, right, tables.outputs, m, cut[OUTPUTS], scored)
            if half == 0:
                team.hidden[slot] = m


@inlined
def _errors_of_lane(block, architecture, objective, scratch, team, lane, lanes):  # type: ignore[no-untyped-def]
    """team.scores[0] of a lane's windows: the halves' scores are added up and become errors."""
    per_lane = len(team.windows) // lanes
    loss, measured = 0.0, 0.0
    for slot in range(lane * per_lane, (lane + 1) * per_lane):
        cut = team.windows[slot]
        if cut[CONTEXTS] == 0:
            break
        contexts, m, n, word = cut[CONTEXTS], team.hidden[slot], cut[OUTPUTS], cut[WORD]
        scored = _slot(scratch, team, slot, 0)
        add_scores(m, n, scored, team.scores[1, slot])
        held_against(architecture, objective, word, contexts, cut[NOISE_AT], scored)  # sets the labels again
        loss += faults(architecture, objective, word, contexts, m, n, block.lr, cut[MEASURED] > 0, scored)
        measured += examples(architecture, m, contexts) if cut[MEASURED] else 0
    team.totals[lane, 1] += loss
    team.totals[lane, 2] += measured


@inlined
def _move_columns(tiles, tables, architecture, scratch, team, member, members):  # type: ignore[no-untyped-def]
    """Move this thread's columns by the errors of all windows; returns whether there was one."""
    left, right = _columns(tiles, member, members)
    moved = False
    for slot in range(len(team.windows)):
        cut = team.windows[slot]
        if cut[CONTEXTS] > 0:
            _prefetch_slot(left, right, tables, team, slot + 1)
            scored = _slot(scratch, team, slot, 0)
            m = gather(architecture, left, right, tables.inputs, cut[CONTEXTS], scored)
            scatter(architecture, left, right, tables, m, cut[OUTPUTS], cut[CONTEXTS], scored)
            moved = True
    return moved


@inlined
def _half(tiles, half):  # type: ignore[no-untyped-def]
    """The left (0) or the right (1) columns, whole tiles of them: (first, one past the last)."""
    middle = (len(tiles) + 1) // 2 * 16
    return (0, middle) if half == 0 else (middle, 16 * len(tiles))


@inlined
def _columns(tiles, member, members):  # type: ignore[no-untyped-def]
    """The columns that a thread moves: a share of its half, or all of them."""
    if members == 1:
        return 0, 16 * len(tiles)
    left, right = _half(tiles, member % 2)
    sharing = (members + 1 - member % 2) // 2
    share = ((right - left) // 16 + sharing - 1) // sharing * 16
    return min(left + member // 2 * share, right), min(left + (member // 2 + 1) * share, right)


@inlined
def _slot(scratch, team, slot, half):  # type: ignore[no-untyped-def]
    """The scratch whose window is the team's slot."""
    return Scratch(
        scratch.words,
        scratch.places,
        scratch.reach,
        scratch.bounds,
        team.contexts[slot],
        scratch.moving,
        team.offsets[slot],
        scratch.hidden,
        team.targets[slot],
        scratch.labels,
        scratch.row,
        scratch.line,
        team.scores[half, slot],
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
    if slot < len(team.windows):
        for j in range(team.windows[slot, CONTEXTS]):
            prefetch_row(left, right, tables.inputs, team.contexts[slot, j])
        for k in range(team.windows[slot, OUTPUTS] if team.windows[slot, CONTEXTS] > 0 else 0):
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
    for i in range(centre + 1, min(end, centre + reach + 1) if window.after else 0):
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
