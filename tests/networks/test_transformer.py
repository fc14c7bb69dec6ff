"""The three networks: what each token may see, and that reading token by token is reading at once."""

import pytest
import torch

from firth.networks.layers import Cache
from firth.networks.transformer import CausalLanguageModel, EncoderDecoder, MaskedLanguageModel

SIZES = {"layers": 2, "heads": 4, "dim": 32, "ffn_dim": 64}


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        yield


def perturbed(network: torch.nn.Module) -> torch.nn.Module:
    """The same network, with every bias and norm away from its first value."""
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return network.eval()


def test_a_decoder_at_t_does_not_see_what_comes_after() -> None:
    gpt = perturbed(CausalLanguageModel(50, length=16, **SIZES))
    ids = torch.randint(50, (2, 9))
    states = gpt(ids)
    for t in range(8):
        other = ids.clone()
        other[:, t + 1 :] = torch.randint(50, other[:, t + 1 :].shape)
        assert torch.allclose(gpt(other)[:, : t + 1], states[:, : t + 1], atol=1e-6)
    other = ids.clone()
    other[:, 0] = (ids[:, 0] + 1) % 50
    assert not torch.allclose(gpt(other)[:, -1], states[:, -1], atol=1e-3)


@pytest.mark.parametrize("step", [1, 2])
def test_a_decoder_reads_with_its_cache_what_it_reads_at_once(step: int) -> None:
    gpt = perturbed(CausalLanguageModel(50, length=16, **SIZES))
    ids = torch.randint(50, (2, 8))
    cache = Cache(2, 8)
    parts = [gpt(ids[:, t : t + step], cache=cache) for t in range(0, 8, step)]
    assert torch.allclose(gpt.logits(torch.cat(parts, 1)), gpt.logits(gpt(ids)), atol=1e-5)


def test_left_padding_changes_nothing() -> None:
    gpt = perturbed(CausalLanguageModel(50, length=16, **SIZES))
    ids = torch.randint(50, (1, 5))
    padded = torch.cat([torch.zeros(1, 3, dtype=torch.long), ids], 1)
    present = torch.arange(8)[None] >= 3
    positions = (torch.arange(8)[None] - 3).clamp(min=0)
    assert torch.allclose(gpt(padded, present, positions=positions)[:, 3:], gpt(ids), atol=1e-5)
    cache = Cache(2, 8)
    gpt(padded[:, :7], present[:, :7], positions=positions[:, :7], cache=cache)
    last = gpt(padded[:, 7:], present, positions=positions[:, 7:], cache=cache)
    assert torch.allclose(last, gpt(ids)[:, -1:], atol=1e-5)


def test_an_encoder_sees_both_sides_and_no_padding() -> None:
    bert = perturbed(MaskedLanguageModel(50, length=16, **SIZES))
    ids = torch.randint(50, (1, 6))
    states = bert(ids)
    other = ids.clone()
    other[0, 5] = (ids[0, 5] + 1) % 50
    assert not torch.allclose(bert(other)[:, 0], states[:, 0], atol=1e-3)
    padded = torch.cat([ids, torch.full((1, 4), 7)], 1)
    assert torch.allclose(bert(padded, torch.arange(10)[None] < 6)[:, :6], states, atol=1e-5)
    assert not torch.allclose(bert(ids, segments=torch.ones_like(ids)), states, atol=1e-3)
    assert torch.allclose(bert(ids, segments=torch.zeros_like(ids)), states, atol=1e-6)


def test_a_narrow_table_is_projected_and_its_output_is_tied() -> None:
    albert = perturbed(MaskedLanguageModel(50, length=16, width=8, shared=True, **SIZES))
    states = albert(torch.randint(50, (2, 6)))
    assert albert.embed.tokens.weight.shape == (50, 8)
    assert states.shape == (2, 6, 32) and albert.logits(states).shape == (2, 6, 50)
    assert albert.pair_logits(states).shape == (2, 2)
    before = albert.logits(states)
    albert.embed.tokens.weight.data[3] += 1
    changed = (albert.logits(states) - before).abs().sum((0, 1)) > 1e-4
    assert changed.nonzero().flatten().tolist() == [3]


@pytest.mark.parametrize("sizes", [(40, None), (40, 30)])
def test_teacher_forcing_is_step_by_step(sizes: tuple[int, int | None]) -> None:
    network = perturbed(EncoderDecoder(*sizes, **SIZES))
    words = sizes[1] or sizes[0]
    source, target = torch.randint(sizes[0], (2, 7)), torch.randint(words, (2, 6))
    present = torch.tensor([[True] * 7, [True] * 5 + [False] * 2])
    forced = network(source, target, present)
    memory, cache = network.encode(source, present), Cache(2, 6)
    for t in range(6):
        at_once = network.decode(target[:, : t + 1], memory, present)
        cached = network.decode(target[:, t : t + 1], memory, present, cache=cache)
        assert torch.allclose(network.logits(at_once[:, -1]), forced[:, t], atol=1e-5)
        assert torch.allclose(network.logits(cached[:, -1]), forced[:, t], atol=1e-5)


def test_without_the_mask_teacher_forcing_cheats(monkeypatch: pytest.MonkeyPatch) -> None:
    network = perturbed(EncoderDecoder(40, **SIZES))
    source, target = torch.randint(40, (2, 7)), torch.randint(40, (2, 6))
    monkeypatch.setattr("firth.networks.transformer.causal_mask", lambda *_: (None, False))
    forced = network(source, target)
    step = network.logits(network.decode(target[:, :3], network.encode(source)))
    assert not torch.allclose(step[:, -1], forced[:, 2], atol=1e-3)


def test_weights_of_every_attention_can_be_had() -> None:
    network = perturbed(EncoderDecoder(40, **SIZES))
    weights: list[torch.Tensor] = []
    network(torch.randint(40, (1, 7)), torch.randint(40, (1, 6)), weights=weights)
    shapes = [tuple(each.shape) for each in weights]
    assert shapes == [(1, 4, 7, 7)] * 2 + [(1, 4, 6, 6), (1, 4, 6, 7)] * 2
