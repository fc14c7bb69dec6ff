"""The nats of true words in parts are torch's cross entropy, and so are their gradients."""

import pytest
import torch
from torch.nn import functional

from firth.networks import nats
from firth.networks.nats import nats_of


@pytest.mark.parametrize("rows", [1, 7, 20])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("some_unknown", [False, True])
def test_it_is_cross_entropy(rows: int, biased: bool, some_unknown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats, "_AT_ONCE", 6)
    made = torch.Generator().manual_seed(1)
    states, table, bias = (torch.randn(*size, generator=made) for size in ((rows, 5), (11, 5), (11,)))
    targets = torch.randint(11, (rows,), generator=made)
    if some_unknown:
        targets[::2] = -100
    found = []
    for way in (nats_of, lambda s, w, b, t: functional.cross_entropy(functional.linear(s, w, b), t, reduction="sum")):
        given = [one.clone().requires_grad_() for one in (states, table, *([bias] if biased else []))]
        loss = way(given[0], given[1], given[2] if biased else None, targets)
        (3 * loss).backward()
        found.append([loss.detach(), *(one.grad for one in given)])
    for mine, theirs in zip(*found, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)
    with torch.no_grad():
        assert torch.allclose(nats_of(states, table, bias if biased else None, targets), found[0][0])


def test_only_what_learns_gets_a_gradient() -> None:
    states, table = torch.randn(3, 4, requires_grad=True), torch.randn(6, 4)
    nats_of(states, table, None, torch.tensor([1, 2, 3])).backward()
    assert states.grad is not None and table.grad is None


def test_halves_under_autocast() -> None:
    states, table = torch.randn(9, 8, requires_grad=True), torch.randn(20, 8, requires_grad=True)
    targets = torch.arange(9)
    exact = nats_of(states, table, None, targets)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = nats_of(states, table, None, targets)
    rounded.backward()
    assert rounded.item() == pytest.approx(exact.item(), rel=0.05)
    assert states.grad is not None and states.grad.dtype == torch.float32
