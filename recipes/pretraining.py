# %% [markdown]
"""Pretrain, then fine-tune: the flow of the texts, on a small BERT. Read it as a notebook: each `# %%` is a cell.

    python recipes/pretraining.py

The language is made here: its nouns are animals, tools and foods, each with verbs and places of its own. A label says
which kind the noun of a sentence is. Labels are given for a third of the nouns only; the others must be told by what
pretraining found out about them. A network that starts at random has never met those, and guesses.
"""

import random
import sys

import firth

# %% The language, and its rules.
NOUNS = {
    "animal": ["cat", "dog", "horse", "sheep", "goat", "cow", "mouse", "hen", "duck", "fox", "wolf", "bear"],
    "tool": ["hammer", "saw", "drill", "axe", "spade", "rake", "knife", "chisel", "file", "plane", "hoe", "pick"],
    "food": ["bread", "cheese", "rice", "soup", "apple", "plum", "cake", "bean", "egg", "leek", "pear", "corn"],
}
VERBS = {
    "animal": ["sleeps", "runs", "drinks", "hides"],
    "tool": ["rusts", "breaks", "hangs", "lies"],
    "food": ["cooks", "smells", "tastes", "spoils"],
}
PLACES = {
    "animal": ["in the field", "in the barn", "by the river"],
    "tool": ["on the wall", "in the shed", "under the bench"],
    "food": ["on the plate", "in the pan", "in the pantry"],
}
KINDS = list(NOUNS)


def sentence(kind: str, noun: str, chance: random.Random) -> str:
    """What can be said of a noun: with its kind's verbs and places."""
    return f"the {noun} {chance.choice(VERBS[kind])} {chance.choice(PLACES[kind])}"


def corpus(number: int, chance: random.Random) -> list[str]:
    """Text without labels: every noun comes in it."""
    kinds = [chance.choice(KINDS) for _ in range(number)]
    return [sentence(kind, chance.choice(NOUNS[kind]), chance) for kind in kinds]


def labelled(nouns: slice, number: int, chance: random.Random) -> tuple[list[str], list[str]]:
    """Short texts that name a noun and say nothing of it, and its kind."""
    kinds = [chance.choice(KINDS) for _ in range(number)]
    frames = ("this is a {}", "i see the {}", "where is my {}", "she has one {}")
    return [chance.choice(frames).format(chance.choice(NOUNS[kind][nouns])) for kind in kinds], kinds


# %% One seed: pretrained, and from random numbers.
def compared(seed: int, steps: int = 600, number: int = 3000) -> tuple[float, float]:
    """Accuracy on nouns whose label was never given: (pretrained, from random numbers)."""
    chance = random.Random(seed)
    taught, asked = labelled(slice(0, 4), 90, chance), labelled(slice(4, None), 200, chance)
    text = corpus(number, chance) + list(labelled(slice(None), number // 4, chance)[0])
    chance.shuffle(text)
    options = {"units": "words", "layers": 2, "heads": 2, "dim": 32, "length": 12, "batch_tokens": 384, "seed": seed}

    # Pretrain: gaps in text, which costs nothing but text.
    bert = firth.BERT(**options, steps=steps, lr=3e-3).fit(text, threads=1)

    # The same network, hardly moved: what pretraining is worth is the difference.
    fresh = firth.BERT(**options, steps=1, lr=1e-9).fit(text, threads=1)

    # Fine-tune both on the same ninety labels, and ask both the same.
    def judged(model: object) -> float:
        tuned = model.fine_tune(*taught, task="classify", epochs=20, lr=1e-3, seed=seed)  # type: ignore[attr-defined]
        return float(tuned.evaluate(*asked)["accuracy"])

    return judged(bert), judged(fresh)


# %% Several seeds.
def main(seeds: int = 3) -> None:
    print(f"{'seed':>4}  {'pretrained':>10}  {'random':>6}")
    for seed in range(1, seeds + 1):
        pretrained, fresh = compared(seed)
        print(f"{seed:4}  {pretrained:10.2f}  {fresh:6.2f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
