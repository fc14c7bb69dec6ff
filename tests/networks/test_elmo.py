"""ELMo's network: torch's own LSTM, no word from the future, padding that changes nothing, a softmax by samples."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # its name everywhere
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from firth.networks.elmo import BidirectionalModel, CharacterWords, Direction, ProjectedLSTM, ScalarMix, reversed_rows
from firth.networks.rnn import Recurrent
from firth.networks.softmax import Softmax
from firth.tokens.letters import NUMBERS, PADDING, letters


def network(**changes: Any) -> BidirectionalModel:
    torch.manual_seed(1)
    sizes: dict[str, Any] = {
        "words": 20, "table": 0, "dim": 6, "cells": 8, "layers": 2, "characters": NUMBERS, "padding": PADDING,
        "character_dim": 4, "filters": (3, 4), "highway": 1, "dropout": 0.0, "samples": None, "cell_clip": None,
        "proj_clip": None,
    }  # fmt: skip
    return BidirectionalModel(**{**sizes, **changes}).eval()


@pytest.mark.parametrize("clip", [None, 0.02])
def test_a_direction_equals_torch_given_the_same_weights(clip: float | None) -> None:
    """One layer after the other by nn.LSTM with projections, each but the first added to the one below."""
    x = torch.randn(3, 5, 6)
    torch.manual_seed(2)
    ours = Direction(2, 6, 8, 0.0, clip, clip)
    found = ours(x)
    if clip is None:
        below = x
        for number, (layer, output) in enumerate(zip(ours.layers, found, strict=True)):
            theirs = nn.LSTM(6, 8, proj_size=6, batch_first=True)
            theirs.load_state_dict(layer.lstm.state_dict())
            expected = theirs(below)[0] + (below if number else 0)
            torch.testing.assert_close(output, expected)
            below = output
        stepped, _ = ours.stepwise(x, None, torch.tensor([5, 5, 5]))
        for one, other in zip(found, stepped, strict=True):
            torch.testing.assert_close(one, other)
    else:
        torch.manual_seed(2)
        free = Direction(2, 6, 8, 0.0, None, None)(x)
        assert float(found[0].detach().abs().max()) <= clip < float(free[0].detach().abs().max())


def test_gates_are_in_torchs_order_by_hand() -> None:
    layer = ProjectedLSTM(2, 3, 2)
    weights = {name: each.detach().numpy() for name, each in layer.lstm.named_parameters()}
    x, h, c = np.array([0.3, -0.7], np.float32), np.zeros(2), np.zeros(3)
    pre = weights["weight_ih_l0"] @ x + weights["bias_ih_l0"] + weights["weight_hh_l0"] @ h + weights["bias_hh_l0"]
    i, f, g, o = np.split(pre, 4)

    def sigmoid(a: Any) -> Any:
        return 1 / (1 + np.exp(-a))

    cells = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    expected = weights["weight_hr_l0"] @ (sigmoid(o) * np.tanh(cells))
    found = layer(torch.from_numpy(x)[None, None])
    np.testing.assert_allclose(found.detach().numpy()[0, 0], expected, atol=1e-6)


def test_states_that_are_handed_on_make_one_sentence_of_two() -> None:
    ours = Direction(2, 6, 8, 0.0, 3.0, 3.0)
    x = torch.randn(2, 7, 6)
    whole, _ = ours.stepwise(x, None, torch.tensor([7, 7]))
    first, states = ours.stepwise(x[:, :4], None, torch.tensor([4, 4]))
    second, _ = ours.stepwise(x[:, 4:], states, torch.tensor([3, 3]))
    torch.testing.assert_close(torch.cat([first[-1], second[-1]], 1), whole[-1])


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4), at=st.integers(0, 5), seed=st.integers(0, 99))
def test_forward_states_do_not_depend_on_words_to_come(lengths: list[int], at: int, seed: int) -> None:
    net = network()
    torch.manual_seed(seed)
    x = torch.randn(len(lengths), 6, 6)
    changed = x.clone()
    changed[:, at + 1 :] = torch.randn_like(changed[:, at + 1 :])
    full = torch.full((len(lengths),), 6)
    with torch.no_grad():
        before, after = net.layers(x, full), net.layers(changed, full)
        torch.testing.assert_close(before[:, :, : at + 1, :6], after[:, :, : at + 1, :6], rtol=0, atol=0)
        if at < 5:
            assert not torch.equal(before[1:, :, at, 6:], after[1:, :, at, 6:])  # and backward states do


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_padding_and_batching_change_nothing(lengths: list[int], seed: int) -> None:
    net = network()
    torch.manual_seed(seed)
    longest = max(lengths)
    x = torch.randn(len(lengths), longest + 2, 6)  # what fills up is not even 0
    with torch.no_grad():
        together = net.layers(x, torch.tensor(lengths))
        stateful, _ = net.layers_from(x, torch.tensor(lengths), None)
        for row, length in enumerate(lengths):
            alone = net.layers(x[row : row + 1, :length], torch.tensor([length]))
            torch.testing.assert_close(together[:, row, :length], alone[:, 0], atol=1e-6, rtol=1e-5)
            torch.testing.assert_close(stateful[:, row, :length], alone[:, 0], atol=1e-6, rtol=1e-5)


@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_rows_are_turned_round_within_their_length(lengths: list[int]) -> None:
    x = torch.arange(len(lengths) * 5).reshape(len(lengths), 5)
    turned = reversed_rows(x, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        assert turned[row, :length].tolist() == x[row, :length].flip(0).tolist()
        assert turned[row, length:].tolist() == x[row, length:].tolist()
    torch.testing.assert_close(reversed_rows(turned, torch.tensor(lengths)), x)


def test_words_of_characters_are_the_formula() -> None:
    """max over places of the filters, relu, highway, projection: word by word in NumPy, on all 12 places."""
    torch.manual_seed(3)
    net = CharacterWords(NUMBERS, 4, (2, 0, 3), 1, 5)
    words = letters(["a", "longer", "京"], 12)
    with torch.no_grad():
        found = net(torch.from_numpy(words.astype(np.int64)), PADDING).numpy()
    w = {name: each.detach().numpy() for name, each in net.state_dict().items()}
    for row, expected in zip(words, found, strict=True):
        x = w["characters.weight"][row]
        features = []
        for index, width in enumerate((1, 3)):
            kernel, bias = w[f"convolutions.{index}.weight"], w[f"convolutions.{index}.bias"]
            scores = [(kernel * x[at : at + width].T).sum((1, 2)) + bias for at in range(12 - width + 1)]
            features.append(np.maximum(np.max(scores, 0), 0))
        h = np.concatenate(features)
        gate = 1 / (1 + np.exp(-(w["highway.0.gate.weight"] @ h + w["highway.0.gate.bias"])))
        h = gate * np.maximum(w["highway.0.transform.weight"] @ h + w["highway.0.transform.bias"], 0) + (1 - gate) * h
        np.testing.assert_allclose(expected, w["projection.weight"] @ h + w["projection.bias"], atol=1e-5)


@pytest.mark.parametrize("chosen", [0, 1, 2])
def test_a_mixture_with_all_its_weight_on_one_layer_returns_it(chosen: int) -> None:
    layers = torch.randn(3, 2, 4, 5)
    mix = ScalarMix(3)
    torch.testing.assert_close(mix(layers), layers.mean(0))
    with torch.no_grad():
        mix.a.fill_(-1e9)
        mix.a[chosen] = 0
    torch.testing.assert_close(mix(layers), layers[chosen])
    with torch.no_grad():
        mix.gamma.fill_(2.0)
    torch.testing.assert_close(mix(layers), 2 * layers[chosen])


def test_losses_are_those_of_each_direction_by_itself() -> None:
    net = network()
    forms = torch.from_numpy(letters(["<s>", "a", "b", "c"], 6).astype(np.int64))
    places = torch.tensor([[0, 1, 2, 3], [0, 3, 1, 0]])
    ahead = torch.tensor([[-100, 4, 5, 6], [-100, 6, 4, -100]])
    behind = torch.tensor([[3, 4, 5, -100], [3, 6, -100, -100]])
    lengths = torch.tensor([4, 3])
    with torch.no_grad():
        losses = net(forms, places, ahead, behind, lengths)
        layers = net.layers(net.vectors(forms)[places], lengths)[-1]
        scores_ahead, scores_behind = (net.softmax.scores(half) for half in layers.split(6, -1))  # type: ignore[union-attr]
    forward = sum(
        F.cross_entropy(scores_ahead[row, at - 1], ahead[row, at])
        for row, at in itertools.product(range(2), range(1, 4))
        if ahead[row, at] >= 0 and at < lengths[row]
    )
    backward = sum(
        F.cross_entropy(scores_behind[row, at + 1], behind[row, at])
        for row, at in itertools.product(range(2), range(3))
        if behind[row, at] >= 0 and at + 1 < lengths[row]
    )
    torch.testing.assert_close(losses["forward"], forward)
    torch.testing.assert_close(losses["backward"], backward)


# ---------------------------------------------------------------- sampled softmax


def test_with_every_word_sampled_it_is_the_whole_softmax() -> None:
    """So many draws that all words are among them, each expected once: the estimate is exact."""
    torch.manual_seed(4)
    layer = Softmax(5, 9, samples=100_000).train()
    hidden, targets = torch.randn(7, 5), torch.tensor([0, 1, 2, 8, -100, 4, 4])
    whole = F.cross_entropy(layer.scores(hidden), targets, reduction="sum")
    torch.testing.assert_close(layer(hidden, targets), whole, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(layer.eval()(hidden, targets), whole)


def test_noise_comes_as_often_as_is_expected() -> None:
    torch.manual_seed(5)
    layer = Softmax(2, 50, samples=20)
    seen = torch.zeros(50)
    for _ in range(3000):
        seen[layer.noise(20, torch.device("cpu"))[0]] += 1
    expected = layer.expected(torch.arange(50))
    torch.testing.assert_close(seen / 3000, expected, atol=0.04, rtol=0)


def test_a_sampled_softmax_learns_the_distribution() -> None:
    """One context, three words at 60, 30 and 10 per cent of nine: the whole softmax ends there too."""
    torch.manual_seed(6)
    layer = Softmax(1, 9, samples=5).train()
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    targets = torch.tensor([1] * 6 + [4] * 3 + [7])
    for _ in range(400):
        optimizer.zero_grad()
        layer(torch.ones(10, 1), targets).backward()
        optimizer.step()
    shares = layer.scores(torch.ones(1, 1)).softmax(-1)[0]
    assert shares[[1, 4, 7]].tolist() == pytest.approx([0.6, 0.3, 0.1], abs=0.05)


# ---------------------------------------------------------------- recurrent layers


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_a_recurrent_model_is_torchs_layers_and_sees_no_future(cell: str) -> None:
    torch.manual_seed(7)
    net = Recurrent(11, dim=4, hidden=6, layers=2, cell=cell, dropout=0.0, samples=None).eval()
    ids = torch.randint(11, (3, 5))
    with torch.no_grad():
        x = net.table(ids)
        for layer in net.layers:
            theirs = (nn.LSTM if cell == "lstm" else nn.RNN)(layer.input_size, 6, batch_first=True)
            theirs.load_state_dict(layer.state_dict())
            x = theirs(x)[0]
        torch.testing.assert_close(net.states(ids), x)
        changed = ids.clone()
        changed[:, 3:] = (changed[:, 3:] + 1) % 11
        torch.testing.assert_close(net.states(changed)[:, :3], x[:, :3], rtol=0, atol=0)


def test_recurrent_weights_begin_orthogonal() -> None:
    net = Recurrent(5, dim=4, hidden=6, layers=1, cell="lstm", dropout=0.0, samples=None)
    for block in net.layers[0].weight_hh_l0.detach().split(6):
        torch.testing.assert_close(block @ block.T, torch.eye(6), atol=1e-5, rtol=0)
    assert net.layers[0].bias_ih_l0[6:12].tolist() == [1.0] * 6
