"""The pieces of attention against what is known of them, and against torch's own layers with the same weights."""

import math

import pytest
import torch
from torch import nn

from firth.networks import layers
from firth.networks.layers import Block, Cache, MultiHeadAttention, ScalarMix, Stack


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_the_scores_of_unit_vectors_have_variance_d_and_1_after_scaling() -> None:
    q, k = torch.randn(4000, 64), torch.randn(4000, 64)
    scores = (q * k).sum(1)
    assert scores.var().item() == pytest.approx(64, rel=0.1)
    assert (scores / 8).var().item() == pytest.approx(1, rel=0.1)
    _, weights = layers.attention(q[None, None], k[None, None], k[None, None])
    assert torch.allclose(weights[0, 0], (q @ k.T / 8).softmax(-1), atol=1e-6)


def test_weights_sum_to_one_and_average_the_values() -> None:
    q, k, v = torch.randn(2, 3, 5, 8), torch.randn(2, 3, 7, 8), torch.randn(2, 3, 7, 8)
    mixed, weights = layers.attention(q, k, v)
    assert weights.shape == (2, 3, 5, 7)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 3, 5))
    assert torch.allclose(mixed, weights @ v)


def test_the_causal_mask_is_a_lower_triangle() -> None:
    assert layers.causal(3).int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert layers.causal(1, 3).int().tolist() == [[1, 1, 1]]


def test_a_masked_token_has_weight_zero_and_no_token_at_all_gives_no_nan() -> None:
    visible = torch.tensor([[True, False, True], [False, False, False]])
    q, k = torch.randn(1, 1, 2, 4), torch.randn(1, 1, 3, 4)
    _, weights = layers.attention(q, k, k, layers.mask_of(visible))
    assert weights[0, 0, 0, 1] == 0
    assert torch.allclose(weights[0, 0, 1], torch.full((3,), 1 / 3))


@pytest.mark.parametrize("dropout", [0.0, 1e-9])  # the second takes the formula
@pytest.mark.parametrize("triangle", [False, True])
def test_the_fast_way_is_the_formula(dropout: float, triangle: bool) -> None:
    q, k, v = torch.randn(3, 2, 2, 6, 8)
    mask = layers.mask_of(layers.causal(6)) if triangle else None
    fast = layers.attend(q, k, v, triangle=triangle, dropout=dropout)
    assert torch.allclose(fast, layers.attention(q, k, v, mask)[0], atol=1e-6)
    in_bf16 = layers.attend(q.bfloat16(), k.bfloat16(), v.bfloat16(), triangle=triangle)
    assert torch.allclose(in_bf16.float(), fast, atol=0.05)


def test_permuted_tokens_give_equally_permuted_states() -> None:
    stack = Stack(2, 16, 4, 32).eval()
    x, order = torch.randn(1, 6, 16), torch.randperm(6)
    assert torch.allclose(stack(x[:, order]), stack(x)[:, order], atol=1e-5)


def same_attention(ours: MultiHeadAttention, theirs: nn.MultiheadAttention) -> None:
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = ours.project.weight.data, ours.project.bias.data
    theirs.out_proj.weight.data, theirs.out_proj.bias.data = ours.out.weight.data, ours.out.bias.data


def test_heads_are_those_of_torch() -> None:
    ours, theirs = MultiHeadAttention(16, 4), nn.MultiheadAttention(16, 4, batch_first=True)
    same_attention(ours, theirs)
    x, memory = torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    weights: list[torch.Tensor] = []
    expected, averaged = theirs(x, memory, memory)
    assert torch.allclose(ours(x, memory=memory), expected, atol=1e-6)
    assert torch.allclose(ours(x, memory=memory, weights=weights), expected, atol=1e-6)
    assert torch.allclose(weights[0].mean(1), averaged, atol=1e-6)
    assert torch.allclose(ours(x), theirs(x, x, x)[0], atol=1e-6)


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
def test_a_block_is_torchs_layer(norm: layers.Norm, activation: layers.Activation) -> None:
    ours = Block(16, 4, 32, norm=norm, activation=activation, cross=True).eval()
    theirs = nn.TransformerDecoderLayer(
        16, 4, 32, activation=activation, batch_first=True, norm_first=norm == "pre"
    ).eval()
    for parameter in ours.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    same_attention(ours.attention, theirs.self_attn)
    same_attention(ours.cross, theirs.multihead_attn)
    pairs = [(ours.ffn.up, theirs.linear1), (ours.ffn.down, theirs.linear2), (ours.attention_norm, theirs.norm1),
             (ours.cross_norm, theirs.norm2), (ours.ffn_norm, theirs.norm3)]  # fmt: skip
    for mine, other in pairs:
        other.load_state_dict(mine.state_dict())
    x, memory = torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    hidden = ~layers.causal(5)
    assert torch.allclose(ours(x, triangle=True, memory=memory), theirs(x, memory, tgt_mask=hidden), atol=1e-5)


def test_a_shared_stack_has_one_block() -> None:
    shared, own = Stack(3, 16, 4, 32, shared=True).eval(), Stack(3, 16, 4, 32).eval()
    assert len(shared.blocks) == 1
    for block in own.blocks:
        block.load_state_dict(shared.blocks[0].state_dict())
    x = torch.randn(1, 4, 16)
    assert torch.equal(shared(x), own(x))


def test_a_stack_hands_out_states_and_weights() -> None:
    stack = Stack(3, 16, 4, 32, norm="pre").eval()
    states: list[torch.Tensor] = []
    weights: list[torch.Tensor] = []
    x = torch.randn(1, 4, 16)
    out = stack(x, triangle=True, states=states, weights=weights)
    assert len(states) == 4 and torch.equal(states[0], x) and torch.equal(states[-1], out)
    assert [w.shape for w in weights] == [(1, 4, 4, 4)] * 3
    assert all(torch.equal(w, w.tril()) for w in weights)


def test_dropout_changes_what_is_trained_and_nothing_else() -> None:
    block, x = Block(16, 4, 32, dropout=0.5), torch.randn(1, 4, 16)
    assert not torch.allclose(block(x), block(x))
    block.eval()
    assert torch.equal(block(x), block(x))


def test_a_cache_follows_the_beams() -> None:
    stack = Stack(1, 16, 4, 32).eval()
    x = torch.randn(2, 3, 16)
    cache = Cache(1, 3)
    stack(x[:, :2], triangle=True, cache=cache)
    cache.select(torch.tensor([1, 0]))
    new = stack(x[[1, 0], 2:], cache=cache)
    assert torch.allclose(new, stack(x, triangle=True)[[1, 0], 2:], atol=1e-6)
    assert cache.length == 3


def test_sinusoids_begin_with_zeros_and_ones_and_turn_with_the_place() -> None:
    table = layers.sinusoids(50, 8).double()
    assert table[0].tolist() == [0, 1] * 4
    assert table[3, 2].item() == pytest.approx(math.sin(3 / 10_000 ** (2 / 8)), abs=1e-6)
    for k in (1, 7):
        angle = k * 10_000 ** (-torch.arange(0, 8, 2).double() / 8)
        sin, cos = table[:-k, 0::2], table[:-k, 1::2]
        assert torch.allclose(table[k:, 0::2], sin * angle.cos() + cos * angle.sin(), atol=1e-6)
        assert torch.allclose(table[k:, 1::2], cos * angle.cos() - sin * angle.sin(), atol=1e-6)
    assert torch.equal(layers.sinusoids(5, 8, 45), layers.sinusoids(50, 8)[45:])


def test_means_and_lasts_leave_padding_out() -> None:
    states = torch.arange(12.0).view(2, 3, 2)
    present = torch.tensor([[True, True, False], [False, True, True]])
    assert layers.mean_over(states, present).tolist() == [[1, 2], [9, 10]]
    assert layers.last_of(states, present).tolist() == [[2, 3], [10, 11]]


def test_a_scalar_mix_of_one_hot_weights_is_that_layer() -> None:
    states = list(torch.randn(3, 2, 4, 5))
    mix = ScalarMix(3)
    assert torch.allclose(mix(states), sum(states) / 3)
    mix.scores.data = torch.tensor([-1e9, 0, -1e9])
    mix.scale.data = torch.tensor(2.0)
    assert torch.allclose(mix(states), 2 * states[1])
