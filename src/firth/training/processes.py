"""The processes that learn a network together, and what each of them learns on.

`torchrun --nproc-per-node 2 -m firth train …` starts two; without it there is one. Every process takes its part of
every batch, and gradients are added up among them: copies of the network (DDP), or each a part of it (FSDP2).
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn

from firth.errors import ConfigError

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Where:
    """On what a network is learnt; the same model comes out, but for rounding."""

    threads: int | None = None
    """None: all processors that this process may use."""
    device: str | None = None
    """"cpu", "cuda", "cuda:1"; None: a GPU where there is one."""
    precision: Precision | None = None
    """fp32, or bf16: products in bfloat16, by autocast; None: bf16 where the processor multiplies it quickly."""
    shard: bool = False
    """Under torchrun: cut parameters, gradients and moments among the processes (FSDP2), instead of copying them."""


@dataclass
class Team:
    """The processes that learn together, and what each of them learns on; most often one."""

    device: torch.device
    precision: Precision
    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def wrapped(self, network: nn.Module, shard: bool) -> nn.Module:
        """The network with what makes gradients meet."""
        if self.size == 1:
            return network
        if shard:
            from torch.distributed.fsdp import fully_shard

            for child in network.modules():  # layers in a list are gathered one at a time
                if isinstance(child, nn.ModuleList):
                    for layer in child:
                        fully_shard(layer)
            fully_shard(network)
            return network
        devices = [self.device] if self.device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(network, device_ids=devices, gradient_as_bucket_view=True)

    def gradients_stay(self, network: nn.Module, stay: bool) -> contextlib.AbstractContextManager[Any]:
        """Gradients of all but the last part of a batch are added up before the processes exchange them."""
        if stay and isinstance(network, nn.parallel.DistributedDataParallel):
            return network.no_sync()
        return contextlib.nullcontext()

    def summed(self, values: dict[str, Any]) -> dict[str, Any]:
        """The sums over all processes; whole numbers stay whole."""
        if self.size == 1:
            return values
        tensor = torch.tensor([float(value) for value in values.values()], dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return {name: type(old)(new) for (name, old), new in zip(values.items(), tensor.tolist(), strict=True)}

    def names(self, values: Mapping[str, Any]) -> list[str]:
        """The names that any process has."""
        if self.size == 1:
            return list(values)
        found: list[list[str]] = [[] for _ in range(self.size)]
        dist.all_gather_object(found, list(values))
        return sorted({name for names in found for name in names})

    def any(self, flag: bool) -> bool:
        """Whether it is so in any process: all of them must do the same."""
        return bool(self.summed({"flag": int(flag)})["flag"])

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            dist.barrier()


@contextlib.contextmanager
def team_of(where: Where) -> Iterator[Team]:
    """The processes that `torchrun` started with this one; this one alone without it."""
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    device = device_of(where.device, int(os.environ.get("LOCAL_RANK", "0")))
    precision = precision_of(where.precision, device)
    if size == 1 and where.shard:
        raise ConfigError("shard cuts a network among processes, and there is one. Start them with torchrun.")
    if size == 1:
        yield Team(device, precision)
        return
    begun = not dist.is_initialized()
    if begun:
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=timedelta(minutes=30))
    try:
        yield Team(device, precision, rank, size)
    finally:
        if begun:
            dist.destroy_process_group()


def is_first_process() -> bool:
    """Whether this process is the one that writes and talks: the only one, or torchrun's first."""
    return int(os.environ.get("RANK", "0")) == 0


def device_of(name: str | None, number: int = 0) -> torch.device:
    """The device of that name; None: a GPU where there is one. Raises ConfigError for one that is not there."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError:
        raise ConfigError(f"There is no device {name!r}. Give 'cpu', 'cuda' or 'cuda:0'.") from None
    if device.type not in ("cpu", "cuda") or (device.type == "cuda" and not torch.cuda.is_available()):
        raise ConfigError(
            f"Networks cannot be learnt on {name!r} here: give 'cpu', or 'cuda' where there is such a GPU."
        )
    return torch.device("cuda", number) if str(device) == "cuda" else device


def precision_of(asked: str | None, device: torch.device) -> Precision:
    """What was asked for; None: bf16 where it is quick: GPUs that have it, processors with AVX512-BF16 or AMX."""
    if asked not in (None, "fp32", "bf16"):
        raise ConfigError(f"precision must be 'fp32', 'bf16' or None, not {asked!r}.")
    if asked is not None:
        return "bf16" if asked == "bf16" else "fp32"
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if has_quick_bf16() else "fp32"


def has_quick_bf16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; elsewhere it is slower than float32."""
    try:
        words = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return False
    return "avx512_bf16" in words or "amx_bf16" in words


def whole(tensor: Tensor) -> Tensor:
    """A tensor that FSDP2 cut among the processes, put together; any other as it is."""
    full = getattr(tensor, "full_tensor", None)
    found: Tensor = tensor if full is None else full()
    return found


def laid_out_as(moment: Tensor, parameter: nn.Parameter) -> Tensor:
    """A moment cut among the processes as its parameter is."""
    if not hasattr(parameter, "full_tensor"):
        return moment
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(parameter, DTensor)
    return distribute_tensor(moment, parameter.device_mesh, parameter.placements)
