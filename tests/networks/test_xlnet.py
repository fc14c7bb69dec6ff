"""XLNet's network: what a place can know, distances, segments, memory."""

import numpy as np
import pytest
import torch

from firth.examples.permutation import hidden_by
from firth.networks.layers import sinusoids
from firth.networks.xlnet import PermutationLanguageModel, by_key, distances, masked_softmax, remember

T = 7


@pytest.fixture(scope="module")
def network() -> PermutationLanguageModel:
    torch.manual_seed(1)
    made = PermutationLanguageModel(20, layers=2, heads=2, dim=16, ffn_dim=32).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return made


@torch.no_grad()
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("many", [2, 4, T])
def test_under_z_only_earlier_places_of_z_are_seen(network: PermutationLanguageModel, seed: int, many: int) -> None:
    """Change the word at one place of z: what is foretold there and before it does not move, what comes later does."""
    z = np.random.default_rng(seed).permutation(T)
    targets = z[T - many :]
    hidden = torch.from_numpy(hidden_by(targets[None], T))

    def foretold(ids: torch.Tensor) -> torch.Tensor:
        return network(ids, hidden=hidden, targets=torch.from_numpy(targets)[None])[0]

    ids = torch.from_numpy(np.random.default_rng(seed).integers(0, 20, (1, T)))
    before = foretold(ids)
    for rank, place in enumerate(z.tolist()):
        other = ids.clone()
        other[0, place] = (ids[0, place] + 1) % 20
        moved = (foretold(other) - before).abs().amax(-1) > 1e-7
        first_later = max(0, rank - (T - many) + 1)
        assert moved.tolist() == [False] * first_later + [True] * (many - first_later)


@torch.no_grad()
def test_the_content_stream_sees_its_own_word_and_the_query_stream_does_not(network: PermutationLanguageModel) -> None:
    ids, everything = torch.arange(T)[None], torch.arange(T)[None]
    later = torch.from_numpy(hidden_by(everything.numpy(), T))
    other = ids.clone()
    other[0, 3] = 19
    content = (network(ids, hidden=later) - network(other, hidden=later)).abs().amax(-1)[0] > 1e-7
    assert content.tolist() == [False] * 3 + [True] * 4
    query = network(ids, targets=everything) - network(other, targets=everything)
    # nothing hides it, but the query stream of place 3 has its own word out of sight; two layers let it come round
    weights: list[torch.Tensor] = []
    network(ids, targets=everything, weights=weights)
    assert query.abs().max() > 0
    for layer in weights:
        assert (layer.diagonal(dim1=-2, dim2=-1) == 0).all()
        assert torch.allclose(layer.sum(-1), torch.ones(1, 2, T))


@torch.no_grad()
def test_a_query_that_sees_nothing_gets_nothing(network: PermutationLanguageModel) -> None:
    """The first of z, where no text is before it: not the mean of what it must not see."""
    weights = masked_softmax(torch.randn(2, 3), torch.tensor([[True] * 3, [False, True, False]]))
    assert weights[0].tolist() == [0, 0, 0] and float(weights[1].sum()) == pytest.approx(1)
    z = hidden_by(np.arange(T)[None], T)
    first = [
        network(torch.full((1, T), word), hidden=torch.from_numpy(z), targets=torch.tensor([[0]])) for word in (1, 2)
    ]
    assert torch.equal(*first)


@torch.no_grad()
def test_left_to_right_with_memory_is_the_whole_text(network: PermutationLanguageModel) -> None:
    """Two halves, the second remembering the first, give what the whole gives: places are distances."""
    ids = torch.arange(2 * T)[None] % 20
    whole = network(ids, hidden=torch.ones(1, 2 * T, 2 * T, dtype=torch.bool).triu(1))
    states: list[torch.Tensor] = []
    later = torch.ones(1, T, T, dtype=torch.bool).triu(1)
    first = network(ids[:, :T], hidden=later, states=states)
    memory = remember(states, None, T)
    second = network(ids[:, T:], hidden=later, memory=memory)
    assert torch.allclose(torch.cat([first, second], 1), whole, atol=1e-5)
    short = network(ids[:, T:], hidden=later, memory=remember(states, None, 3))
    assert not torch.allclose(short, second, atol=1e-3), "what is not remembered is missed"
    assert not torch.allclose(network(ids[:, T:], hidden=later), second, atol=1e-3)


@torch.no_grad()
def test_memory_grows_to_its_length_and_is_not_learnt_through(network: PermutationLanguageModel) -> None:
    with torch.enable_grad():
        states: list[torch.Tensor] = []
        network(torch.zeros(1, T, dtype=torch.long), states=states)
    memory = remember(states, None, 10)
    assert [tuple(each.shape) for each in memory] == [(1, T, 16)] * 2
    memory = remember(states, memory, 10)
    assert [tuple(each.shape) for each in memory] == [(1, 10, 16)] * 2
    assert torch.equal(memory[1][:, -T:], states[1]) and not memory[1].requires_grad
    assert remember(states, memory, 0)[0].shape == (1, 0, 16)
    assert torch.equal(
        network(torch.zeros(1, 2, dtype=torch.long), memory=remember(states, None, 0)),
        network(torch.zeros(1, 2, dtype=torch.long)),
    )


@torch.no_grad()
def test_padding_on_either_side_changes_nothing(network: PermutationLanguageModel) -> None:
    ids, segments = torch.arange(T)[None], torch.tensor([[0, 0, 0, 1, 1, 1, 2]])
    alone = network(ids, segments=segments)
    for left, right in ((3, 0), (0, 3), (2, 2)):
        pad = (left, right)
        present = torch.nn.functional.pad(torch.ones(1, T, dtype=torch.bool), pad)
        padded = network(
            torch.nn.functional.pad(ids, pad, value=9), present, torch.nn.functional.pad(segments, pad, value=1)
        )
        assert torch.allclose(padded[:, left : left + T], alone, atol=1e-6)


@torch.no_grad()
def test_segments_are_the_same_or_another(network: PermutationLanguageModel) -> None:
    """Only equality counts: 0 0 1 and 1 1 0 are the same to it, 0 1 1 and no segments are not."""
    ids = torch.arange(3)[None]
    one, turned, moved = (network(ids, segments=torch.tensor([s])) for s in ([0, 0, 1], [1, 1, 0], [0, 1, 1]))
    assert torch.equal(one, turned)
    assert not torch.allclose(one, moved, atol=1e-3) and not torch.allclose(one, network(ids), atol=1e-3)


@torch.no_grad()
def test_distances_tell_what_is_before_from_what_is_after(network: PermutationLanguageModel) -> None:
    """Turned round, a text gives other states: without places permuted words would give permuted states."""
    ids = torch.arange(T)[None]
    assert not torch.allclose(network(ids.flip(1)).flip(1), network(ids), atol=1e-3)
    network_of_none = PermutationLanguageModel(20, layers=2, heads=2, dim=16, ffn_dim=32).eval()
    for block in network_of_none.stack.blocks:
        block.attention.distance.zero_()
    assert torch.allclose(network_of_none(ids.flip(1)).flip(1), network_of_none(ids), atol=1e-5)


def test_scores_by_distance_stand_at_their_keys() -> None:
    """Column S - distance of the scores goes to the key at that distance, in a row or chosen."""
    remembered, tokens = 3, 4
    keys = remembered + tokens
    scores = (keys - torch.arange(keys + tokens)).float().expand(1, 1, tokens, -1)  # each score is its distance
    expected = remembered + torch.arange(tokens)[:, None] - torch.arange(keys)[None, :]
    assert torch.equal(by_key(scores, keys, None)[0, 0], expected.float())
    places = torch.tensor([[2, 0]])
    assert torch.equal(by_key(scores[:, :, :2], keys, places)[0, 0], expected[places[0]].float())


def test_distances_are_sinusoids() -> None:
    """Those of the Transformer, sines first and then cosines; before is the mirror of after."""
    table = distances(5, 3, 8)
    paper = sinusoids(6, 8)
    assert table.shape == (8, 8)
    assert torch.allclose(table[:6].flip(0), torch.cat([paper[:, 0::2], paper[:, 1::2]], 1), atol=1e-6)
    assert torch.allclose(table[4, :4], -table[6, :4]) and torch.allclose(table[4, 4:], table[6, 4:])


def test_both_streams_learn() -> None:
    network = PermutationLanguageModel(20, layers=2, heads=2, dim=16, ffn_dim=32, dropout=0.1)
    z = np.arange(T)[None]
    states = network(
        torch.arange(T)[None],
        segments=torch.zeros(1, T, dtype=torch.long),
        hidden=torch.from_numpy(hidden_by(z, T)),
        targets=torch.from_numpy(z),
    )
    torch.nn.functional.cross_entropy(network.logits(states)[0], torch.arange(T)).backward()
    for name, parameter in network.named_parameters():
        if name.startswith("pooler"):  # of texts that are classified
            continue
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name
