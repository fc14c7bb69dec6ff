"""A table's columns of categories, and what they say of a target: Guo & Berkhahn 2016, "Entity Embeddings".

    e      = the rows of a table row's values, one column beside the other          f4[batch, Σ dims]
    output = W e + V relu(U e + u) + b

W reads the target off the vectors in a straight line, so that they are good for linear models and neighbours; V adds
what takes two columns together. The part of W for each column has length 1: how far values lie apart is said by their
vectors.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional


class CategoryNetwork(nn.Module):
    """A look-up table for each column, a straight line and a hidden layer.

    rows     rows of each column's table
    dims     numbers in a row of each
    """

    def __init__(self, rows: Sequence[int], dims: Sequence[int], hidden: int, outputs: int) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(n, dim) for n, dim in zip(rows, dims, strict=True))
        self.lines = nn.ParameterList(nn.Parameter(torch.randn(outputs, dim)) for dim in dims)
        self.hidden = nn.Linear(sum(dims), hidden)
        self.last = nn.Linear(hidden, outputs)
        for table in self.tables:
            nn.init.normal_(table.weight, std=0.01)  # type: ignore[arg-type]
        nn.init.zeros_(self.last.weight)  # it begins as a straight line
        nn.init.zeros_(self.last.bias)

    def vectors(self, codes: torch.Tensor) -> list[torch.Tensor]:
        """The row of each value: codes i8[batch, columns] to f4[batch, dim] for each column."""
        return [table(codes[:, place]) for place, table in enumerate(self.tables)]

    def forward(self, vectors: Sequence[torch.Tensor]) -> torch.Tensor:
        """f4[batch, outputs] of what `vectors` gave."""
        every = torch.cat(list(vectors), 1)
        straight: torch.Tensor = functional.linear(every, self.line)
        bent: torch.Tensor = self.last(functional.relu(self.hidden(every)))
        return straight + bent

    def arrays(self) -> list[Any]:
        """The look-up tables as numpy's arrays, f4[rows, dim], in the network's own memory."""
        return [parameter.detach().numpy() for parameter in self.tables.parameters()]

    @property
    def line(self) -> torch.Tensor:
        """W, f4[outputs, Σ dims]; each column's part is of length 1."""
        return torch.cat([line / line.norm() for line in self.lines], 1)
