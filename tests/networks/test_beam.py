"""Beam search, against every text that there is."""

import itertools
import math

import pytest
import torch

from firth.networks.beam import beam_search, penalty
from firth.networks.transformer import EncoderDecoder

WORDS, START, END, LONGEST = 5, 1, 2, 3


@pytest.fixture(scope="module")
def network() -> EncoderDecoder:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = EncoderDecoder(WORDS, layers=1, heads=2, dim=16, ffn_dim=16).eval()
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.3)
    return made


SOURCE = torch.tensor([[3, 4, 0, 2], [4, 4, 3, 0], [0, 3, 0, 0]])
PRESENT = torch.tensor([[True] * 4, [True] * 3 + [False], [True] * 2 + [False] * 2])


@torch.no_grad()
def all_texts(network: EncoderDecoder, row: int) -> list[tuple[float, list[int]]]:
    """Every text of up to three words with its end, or of four that were cut off: -log p, by teacher forcing."""
    found = []
    source, present = SOURCE[row : row + 1], PRESENT[row : row + 1]
    others = [word for word in range(WORDS) if word != END]
    for length in range(LONGEST + 1):
        for text in itertools.product(others, repeat=length):
            target = [*text, END][:LONGEST]
            logs = network(source, torch.tensor([[START, *target[:-1]]]), present).log_softmax(-1)[0]
            found.append((-float(logs[range(len(target)), target].sum()), list(text)))
    return found


def test_enough_beams_find_the_best_of_all_texts(network: EncoderDecoder) -> None:
    everything = [all_texts(network, row) for row in range(3)]
    for alpha in (0.0, 0.6, 2.0):
        found = beam_search(
            network, SOURCE, PRESENT, start=START, end=END, longest=LONGEST, beams=WORDS**LONGEST, alpha=alpha
        )
        assert len(found) == 3
        for row, written in enumerate(found):
            scored = sorted(
                (nats / penalty(min(len(text) + 1, LONGEST), alpha), nats, text) for nats, text in everything[row]
            )
            for mine, (score, nats, text) in zip(written[:5], scored, strict=False):
                assert mine.ids == text
                assert math.isclose(mine.nats, nats, abs_tol=1e-4) and math.isclose(-mine.score, score, abs_tol=1e-4)


@torch.no_grad()
def test_one_beam_is_the_greedy_way(network: EncoderDecoder) -> None:
    found = beam_search(network, SOURCE, PRESENT, start=START, end=END, longest=9, beams=1)
    for row, (written,) in enumerate(found):
        ids = [START]
        for _ in range(9):
            logits = network(SOURCE[row : row + 1], torch.tensor([ids]), PRESENT[row : row + 1])
            ids.append(int(logits[0, -1].argmax()))
            if ids[-1] == END:
                break
        assert written.ids == [token for token in ids[1:] if token != END]


def test_texts_do_not_see_each_other(network: EncoderDecoder) -> None:
    together = beam_search(network, SOURCE, PRESENT, start=START, end=END, longest=6, beams=3)
    for row, written in enumerate(together):
        (alone,) = beam_search(
            network, SOURCE[row : row + 1], PRESENT[row : row + 1], start=START, end=END, longest=6, beams=3
        )
        assert [each.ids for each in alone] == [each.ids for each in written]
        assert [each.score for each in alone] == pytest.approx([each.score for each in written], abs=1e-4)


def test_more_beams_never_find_worse(network: EncoderDecoder) -> None:
    """By the plain probability, over all texts: not a law of beam search, but so here."""
    nats = [
        [texts[0].nats for texts in beam_search(network, SOURCE, start=START, end=END, longest=6, beams=beams, alpha=0)]
        for beams in (1, 4)
    ]
    assert all(few >= many - 1e-5 for few, many in zip(*nats, strict=True))


def test_the_penalty_lets_long_texts_win(network: EncoderDecoder) -> None:
    assert penalty(1, 0.6) == 1 and penalty(7, 1.0) == 2 and penalty(50, 0) == 1
    mean_length = [
        sum(
            len(texts[0].ids)
            for texts in beam_search(
                network, SOURCE, PRESENT, start=START, end=END, longest=6, beams=WORDS**LONGEST, alpha=alpha
            )
        )
        for alpha in (0.0, 5.0)
    ]
    assert mean_length[0] < mean_length[1]
