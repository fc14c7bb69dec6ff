"""Networks as ONNX files, which other programs run without Python."""

import logging
import os
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from firth.errors import ConfigError, MissingExtraError
from firth.formats.atomic import replacing

if TYPE_CHECKING:
    from torch import nn

_INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids")
_MOST: Final = 2**31 - 2**20  # what one file of theirs may hold; protobuf knows no larger one


def write(path: str | os.PathLike[str], network: "nn.Module", output: str) -> None:
    """Write a network of i8[batch, tokens] × 3 → f4[batch, …], which is called `output`.

    Raises ConfigError for another ending than .onnx or a network beyond 2 GB, MissingExtraError, and what `replacing`
    raises.
    """
    if not str(path).endswith(".onnx"):
        raise ConfigError(f"ONNX files end in .onnx: {path} does not.")
    if find_spec("onnx") is None or find_spec("onnxscript") is None:
        raise MissingExtraError("ONNX files need onnx and onnxscript: pip install 'firth[onnx]'")
    import torch

    size = sum(one.numel() * one.element_size() for one in network.parameters())
    if size > _MOST:
        raise ConfigError(f"An ONNX file holds 2 GB, and this network has {size / 1e9:.1f} GB of weights.")
    ids = torch.ones(2, 6, dtype=torch.int64)
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns of packages that are not needed here
    with replacing(path, needed=size, check=lambda _: None) as new, torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network.eval(),
            (ids, ids.clone(), torch.zeros_like(ids)),
            input_names=_INPUTS,
            output_names=[output],
            dynamic_shapes=[shape] * len(_INPUTS),
            dynamo=True,
            verbose=False,
        )
        assert program is not None
        program.save(new, external_data=False)
