"""One word, two senses: bank, apple, 苹果, 银行. A static vector against ELMo, with the cosines as they come out.

    python recipes/two_senses.py

The corpus is made here, by the rules below, so the sense of every sentence is known. ELMo learns from the sentences
alone; no sense is ever told. Then the sense of sentences with words that it never saw together is read off the word's
vector in the highest layer, by a straight line learnt from other sentences whose sense is given. A static vector is the
same in both senses, so it is right half of the time. The cosine of the senses' means is printed, whatever its sign.
"""

import random
from typing import NamedTuple

import numpy as np

import firth

WHO = ["i", "you", "we", "they", "anna", "paul", "my friend", "the old man"]
SENSES: dict[str, tuple[list[str], list[str]]] = {
    "bank": (
        ["{who} took money from the bank", "{who} opened an account at the bank", "the bank lends money to {who}",
         "{who} works at the bank in the city", "the bank paid interest to {who}"],
        ["{who} sat on the bank of the river", "{who} fished from the bank of the stream",
         "the boat lay at the bank near {who}", "{who} walked along the muddy bank",
         "trees grow on the bank behind {who}"],
    ),
    "apple": (
        ["{who} ate a red apple", "{who} picked an apple from the tree", "{who} baked a sweet apple cake",
         "an apple fell on the grass near {who}", "{who} washed the apple and the pear"],
        ["{who} bought a phone made by apple", "the engineers at apple hired {who}", "apple sold a computer to {who}",
         "the shares of apple rose said {who}", "{who} updated the software from apple"],
    ),
    "苹果": (
        ["{who} 吃 了 一个 红 苹果", "{who} 从 树上 摘 苹果", "{who} 洗 苹果 和 梨", "苹果 很 甜 {who} 喜欢 吃"],
        ["{who} 买 了 苹果 手机", "苹果 公司 雇 了 {who}", "{who} 更新 苹果 的 软件", "苹果 的 股票 涨 了 {who} 说"],
    ),
    "银行": (
        ["{who} 去 银行 存 钱", "{who} 在 银行 开 账户", "银行 借 钱 给 {who}", "{who} 在 银行 工作"],
        ["血液 银行 救 了 {who}", "{who} 在 血液 银行 献血", "种子 银行 保存 {who} 的 种子", "{who} 参观 种子 银行"],
    ),
}  # fmt: skip
WER = ["我", "你", "他", "她", "我们", "老师", "妈妈", "小王"]


class Example(NamedTuple):
    """A sentence, the word in question, and its sense: 0 or 1."""

    text: str
    word: str
    sense: int
    held_out: bool
    """Whether this frame and this person never come together in the corpus."""


class Found(NamedTuple):
    """What came out for one word."""

    static: float
    """Share of held-out sentences whose sense the static vector tells."""
    context: float
    """The same by the vectors in context."""
    cosine: float
    """Of the two mean vectors in context."""


def examples(chance: random.Random) -> list[Example]:
    """Every frame with every person; a quarter of the pairs, drawn by chance, is held out."""
    found = []
    for word, senses in SENSES.items():
        people = WER if ord(word[0]) > 0x2FF else WHO
        for sense, frames in enumerate(senses):
            for frame in frames:
                for who in people:
                    found.append(Example(frame.format(who=who), word, sense, chance.random() < 0.25))
    return found


def learn(seed: int, steps: int) -> tuple[firth.Vectors, object, list[Example]]:
    """Static vectors and ELMo, learnt from the same sentences."""
    chance = random.Random(seed)
    every = examples(chance)
    corpus = [each.text for each in every if not each.held_out] * 4
    chance.shuffle(corpus)
    static = firth.Word2Vec(dim=32, min_count=1, epochs=10, seed=seed).fit(corpus, threads=1, progress=False)
    elmo = firth.ELMo(
        dim=64, hidden=64, filters=(16, 16, 16), length=16, batch_tokens=256, lr=0.01, steps=steps, seed=seed
    ).fit(corpus, threads=1, progress=False)
    return static, elmo, every


def senses(seed: int = 1, steps: int = 500) -> dict[str, Found]:
    """For each word, how often its sense is told from its vector."""
    static, elmo, every = learn(seed, steps)
    found = {}
    for word in SENSES:
        mine = [each for each in every if each.word == word]
        contexts = elmo.encode([each.text for each in mine], pooling="tokens", layers=-1)
        in_context = np.stack([rows[each.text.split().index(word)] for rows, each in zip(contexts, mine, strict=True)])
        alike = np.stack([static[word]] * len(mine))
        (right_static, _), (right, cosine) = told(alike, mine), told(in_context, mine)
        found[word] = Found(right_static, right, cosine)
    return found


def told(vectors: np.ndarray, mine: list[Example]) -> tuple[float, float]:
    """The share of held-out sentences whose sense a straight line through the vectors tells; the means' cosine.

    The line is ridge regression of the sense, -1 or 1, learnt from the sentences that are not held out.
    """
    known = np.array([not each.held_out for each in mine])
    sense = np.array([each.sense for each in mine])
    means = np.stack([vectors[known & (sense == each)].mean(0) for each in (0, 1)])
    centred = vectors - means.mean(0)
    x, y = centred[known], 2.0 * sense[known] - 1
    line = np.linalg.solve(x.T @ x + 0.1 * np.eye(x.shape[1]), x.T @ y)
    scores = centred[~known] @ line
    right = np.where(np.abs(scores) < 1e-4, 0.5, (scores > 0) == sense[~known]).mean()  # no answer is half an answer
    return float(right), cosine_of(*means)


def main() -> None:
    print(f"{'word':6} {'static':>7} {'ELMo':>6} {'cosine of the senses':>22}")
    for word, (static, context, cosine) in senses().items():
        print(f"{word:6} {static:7.2f} {context:6.2f} {cosine:22.2f}")
    _, elmo, _ = learn(1, 500)
    _, first, second = elmo.encode(["don't trouble trouble"], pooling="tokens")[0]
    print(f"don't trouble trouble: cosine of the two in context {cosine_of(first, second):.2f}")


def cosine_of(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


if __name__ == "__main__":
    main()
