"""Vocabulary stage: the Huffman tree of the words, on which hierarchical softmax walks from the root to a word."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class HuffmanTree:
    """Every word's path from the root: word w passes nodes[offsets[w]:offsets[w + 1]], taking branch `codes` at each.

    A tree over V words has V - 1 inner nodes, numbered 0 … V - 2; the root is V - 2. Frequent words have short paths
    (Huffman 1952), so a word costs about log2 V steps at most, and fewer on average over the text.
    """

    offsets: npt.NDArray[np.int64]
    """i8[words + 1]"""
    nodes: npt.NDArray[np.int32]
    """i4[·], inner nodes, root first."""
    codes: npt.NDArray[np.float32]
    """f4[·], 1 for the positive branch: p(branch) = s(h·node), and 1 - s(h·node) for code 0."""

    @classmethod
    def of(cls, counts: npt.ArrayLike) -> "HuffmanTree":
        """The tree for words of these counts, i8[words].

        >>> tree = HuffmanTree.of([4, 2, 1, 1])
        >>> [tree.path(word) for word in range(4)]
        [[(2, 1)], [(2, 0), (1, 1)], [(2, 0), (1, 0), (0, 1)], [(2, 0), (1, 0), (0, 0)]]
        """
        parents, branches = _merge(np.asarray(counts, np.int64))
        words = len(parents) // 2 + 1
        root = len(parents) - 1
        depth = np.zeros(len(parents), np.int64)
        for node in range(root - 1, -1, -1):  # a parent's number is above its children's
            depth[node] = depth[parents[node]] + 1
        offsets = np.concatenate([[0], np.cumsum(depth[:words])])
        nodes = np.zeros(offsets[-1], np.int32)
        codes = np.zeros(offsets[-1], np.float32)
        climbing = np.arange(words) if words > 1 else np.zeros(0, np.int64)
        place = offsets[climbing + 1] - 1
        while len(climbing):  # all words one step up at a time
            nodes[place] = parents[climbing] - words
            codes[place] = branches[climbing]
            climbing, place = parents[climbing], place - 1
            below = climbing != root
            climbing, place = climbing[below], place[below]
        return cls(offsets, nodes, codes)

    def path(self, word: int) -> list[tuple[int, int]]:
        """(inner node, code) from the root down to a word."""
        steps = slice(self.offsets[word], self.offsets[word + 1])
        return list(zip(self.nodes[steps].tolist(), self.codes[steps].astype(int).tolist(), strict=True))


def _merge(counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """Join the two rarest nodes until one is left: (parent, branch) of every node, words first, the root last.

    With the words sorted, the joined nodes come out sorted too, so the rarest is always at one of two places.
    """
    words = len(counts)
    order = np.argsort(-counts, kind="stable")  # rarest last
    rarest = order[::-1].tolist()
    weight = counts.tolist() + [0] * (words - 1)
    parents = np.full(2 * words - 1, 2 * words - 2, np.int64)
    branches = np.zeros(2 * words - 1, np.int8)
    leaf, joined = 0, words
    for node in range(words, 2 * words - 1):
        for branch in (0, 1):
            take_leaf = leaf < words and (joined == node or weight[rarest[leaf]] < weight[joined])
            child = rarest[leaf] if take_leaf else joined
            leaf, joined = (leaf + 1, joined) if take_leaf else (leaf, joined + 1)
            parents[child], branches[child] = node, branch
            weight[node] += weight[child]
    return parents, branches
