"""ELMo's network: words made of their characters, two language models that read them from both ends, and a mixture.

    x_k        = highway(max over places of CNN(characters of word k)) · projection         or a row of a table
    →h_{k,j}   = LSTM(→h_{k-1,j}, →h_{k,j-1}) [+ →h_{k,j-1} for j > 1];   →h_{k,0} = x_k
    p(w_{k+1}) = softmax(→h_{k,L}),   p(w_{k-1}) = softmax(←h_{k,L})        one softmax for both
    ELMo_k     = γ Σ_j s_j h_{k,j},   h_{k,0} = [x_k; x_k],  h_{k,j} = [→h_{k,j}; ←h_{k,j}],  s = softmax(a)

Peters, Neumann, Iyyer, Gardner, Clark, Lee & Zettlemoyer 2018, "Deep contextualized word representations"; characters
after Kim, Jernite, Sontag & Rush 2016, LSTM with projection after Sak, Senior & Beaufays 2014, highway layers after
Srivastava, Greff & Schmidhuber 2015. Sizes, clips and the order of operations are those of the published models.
"""

import warnings

import torch
from torch import Tensor, nn

from firth.networks.softmax import Softmax

State = tuple[Tensor, Tensor]
"""What a layer remembers: its output f4[b, proj] and its cells f4[b, cells]."""


class CharacterWords(nn.Module):
    """characters: how many there are; dim: of one; filters: of width 1, 2, 3, …; outputs: numbers of a word."""

    def __init__(self, characters: int, dim: int, filters: tuple[int, ...], highway: int, outputs: int) -> None:
        super().__init__()
        self.characters = nn.Embedding(characters, dim)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(dim, count, width) for width, count in enumerate(filters, start=1) if count
        )
        self.widest = len(filters)
        self.highway = nn.ModuleList(Highway(sum(filters)) for _ in range(highway))
        self.projection = nn.Linear(sum(filters), outputs)
        nn.init.uniform_(self.characters.weight, -1, 1)

    def forward(self, words: Tensor, padding: int) -> Tensor:
        """A vector for each word, f4[u, outputs]: words i8[u, characters], filled up with `padding`."""
        longest = int((words != padding).sum(1).max()) if len(words) else 0
        words = words[:, : longest + self.widest]  # windows of padding alone are all alike: one is enough
        letters = self.characters(words).transpose(1, 2)
        found = torch.cat([torch.relu(filters(letters).amax(-1)) for filters in self.convolutions], -1)
        for layer in self.highway:
            found = layer(found)
        projected: Tensor = self.projection(found)
        return projected


class Highway(nn.Module):
    """g · relu(W x + b) + (1 - g) · x, g = sigmoid(V x + c); it begins by carrying most of x through."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.transform, self.gate = nn.Linear(dim, dim), nn.Linear(dim, dim)
        nn.init.constant_(self.gate.bias, -2.0)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(x))
        return gate * torch.relu(self.transform(x)) + (1 - gate) * x


class ProjectedLSTM(nn.Module):
    """A layer of LSTM cells whose output is projected to fewer numbers; the weights are torch.nn.LSTM's.

    i, f, g, o = W x + U h + b;   c' = clip(σ(f) c + σ(i) tanh(g));   h' = clip(P σ(o) tanh(c'))
    """

    def __init__(
        self, inputs: int, cells: int, outputs: int, cell_clip: float | None = None, proj_clip: float | None = None
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, cells, proj_size=outputs, batch_first=True)
        self.cell_clip, self.proj_clip = cell_clip, proj_clip

    def forward(self, x: Tensor) -> Tensor:
        """Outputs f4[b, t, outputs] of x f4[b, t, inputs], from a state of zeros."""
        if self.cell_clip is None and self.proj_clip is None:
            with warnings.catch_warnings():  # that oneDNN has no projections is no news to whoever learns
                warnings.simplefilter("ignore", UserWarning)
                found: Tensor = self.lstm(x)[0]  # the same, in one call
            return found
        return self.stepwise(x, None, torch.full((len(x),), x.shape[1]))[0]

    def stepwise(self, x: Tensor, state: State | None, lengths: Tensor) -> tuple[Tensor, State]:
        """The same word by word, clipped, from a state; and the state after each row's last word: i8[b] are there."""
        lstm, weights = self.lstm, dict(self.lstm.named_parameters())
        if state is None:
            state = x.new_zeros(len(x), lstm.proj_size), x.new_zeros(len(x), lstm.hidden_size)
        h, c = state
        entering = nn.functional.linear(x, weights["weight_ih_l0"], weights["bias_ih_l0"] + weights["bias_hh_l0"])
        outputs = []
        for at in range(x.shape[1]):
            i, f, g, o = (entering[:, at] + h @ weights["weight_hh_l0"].T).chunk(4, -1)
            cells = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            if self.cell_clip is not None:
                cells = cells.clamp(-self.cell_clip, self.cell_clip)
            output = (torch.sigmoid(o) * torch.tanh(cells)) @ weights["weight_hr_l0"].T
            if self.proj_clip is not None:
                output = output.clamp(-self.proj_clip, self.proj_clip)
            here = (at < lengths)[:, None]
            h, c = torch.where(here, output, h), torch.where(here, cells, c)
            outputs.append(output)
        return torch.stack(outputs, 1), (h, c)


class Direction(nn.Module):
    """The layers that read in one direction, each added to the one below but for the first."""

    def __init__(
        self, layers: int, dim: int, cells: int, dropout: float, cell_clip: float | None, proj_clip: float | None
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(ProjectedLSTM(dim, cells, dim, cell_clip, proj_clip) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The output of every layer, f4[b, t, dim] each."""
        found = []
        for number, layer in enumerate(self.layers):
            output = layer(self.dropout(x))
            x = output + x if number else output
            found.append(x)
        return found

    def stepwise(self, x: Tensor, states: list[State] | None, lengths: Tensor) -> tuple[list[Tensor], list[State]]:
        """The same from the states that the sentence before left, and the states after this one."""
        found, after = [], []
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, ProjectedLSTM)
            output, state = layer.stepwise(x, None if states is None else states[number], lengths)
            x = output + x if number else output
            found.append(x)
            after.append(state)
        return found, after


def reversed_rows(x: Tensor, lengths: Tensor) -> Tensor:
    """Each row of x [b, t, …] from its last word to its first, i8[b] of them; what fills it up stays at the end."""
    places = torch.arange(x.shape[1], device=x.device).expand(len(x), -1)
    turned = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
    if x.dim() == 2:
        return x.gather(1, turned)
    return x.gather(1, turned[..., None].expand_as(x))


class BidirectionalModel(nn.Module):
    """The whole of it. words: of the softmax, 0 where it only encodes; table: rows of words, 0: characters."""

    padding: int

    def __init__(
        self,
        *,
        words: int,
        table: int,
        dim: int,
        cells: int,
        layers: int,
        characters: int,
        padding: int,
        character_dim: int,
        filters: tuple[int, ...],
        highway: int,
        dropout: float,
        samples: int | None,
        cell_clip: float | None,
        proj_clip: float | None,
    ) -> None:
        super().__init__()
        self.padding = padding
        self.words = (
            nn.Embedding(table, dim) if table else CharacterWords(characters, character_dim, filters, highway, dim)
        )
        self.forwards = Direction(layers, dim, cells, dropout, cell_clip, proj_clip)
        self.backwards = Direction(layers, dim, cells, dropout, cell_clip, proj_clip)
        self.dropout = nn.Dropout(dropout)
        self.softmax = Softmax(dim, words, samples) if words else None

    def forward(
        self, forms: Tensor, places: Tensor, ahead: Tensor, behind: Tensor, lengths: Tensor
    ) -> dict[str, Tensor]:
        """Summed nats of both language models.

        forms    i8[u, characters] or i8[u]: the distinct words of the batch, each once
        places   i8[b, t]: which of them stands where
        ahead    i8[b, t]: their ids in the softmax, to be predicted from before; a negative one is not
        behind   i8[b, t]: the same, from behind
        lengths  i8[b]: words in each row
        """
        assert self.softmax is not None
        x = self.vectors(forms)[places]
        before = self.dropout(self.forwards(x[:, :-1])[-1])
        after = self.dropout(self.backwards(reversed_rows(x, lengths)[:, :-1])[-1])
        return {
            "forward": self.softmax(before.flatten(0, 1), ahead[:, 1:].flatten()),
            "backward": self.softmax(after.flatten(0, 1), reversed_rows(behind, lengths)[:, 1:].flatten()),
        }

    def vectors(self, forms: Tensor) -> Tensor:
        """x of each word, wherever it stands: f4[u, dim]."""
        found: Tensor = self.words(forms) if forms.dim() == 1 else self.words(forms, self.padding)
        return found

    def layers(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Every layer, words' own vectors first: f4[layers + 1, b, t, 2 dim] of x f4[b, t, dim]."""
        ahead = self.forwards(x)
        behind = [reversed_rows(layer, lengths) for layer in self.backwards(reversed_rows(x, lengths))]
        return _side_by_side(x, ahead, behind)

    def layers_from(
        self, x: Tensor, lengths: Tensor, states: tuple[list[State], list[State]] | None
    ) -> tuple[Tensor, tuple[list[State], list[State]]]:
        """The same from the states that each row's sentence before left, and the states after; the published way."""
        ahead, after = self.forwards.stepwise(x, states and states[0], lengths)
        behind, back = self.backwards.stepwise(reversed_rows(x, lengths), states and states[1], lengths)
        return _side_by_side(x, ahead, [reversed_rows(layer, lengths) for layer in behind]), (after, back)


def _side_by_side(x: Tensor, ahead: list[Tensor], behind: list[Tensor]) -> Tensor:
    layers = [torch.cat([one, other], -1) for one, other in zip([x, *ahead], [x, *behind], strict=True)]
    return torch.stack(layers)


class ScalarMix(nn.Module):
    """γ Σ_j s_j h_j, s = softmax(a): how much of each layer a task wants. It begins with the mean, γ = 1."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.a, self.gamma = nn.Parameter(torch.zeros(layers)), nn.Parameter(torch.ones(()))

    def forward(self, layers: Tensor) -> Tensor:
        """f4[…] of f4[layers, …]."""
        return self.gamma * torch.einsum("l,l...->...", torch.softmax(self.a, 0), layers)
