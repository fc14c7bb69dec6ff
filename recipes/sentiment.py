"""喜欢 (like) and 讨厌 (loathe): together where only context speaks, apart where a label does.

    python recipes/sentiment.py

Both verbs stand in the same sentences, so vectors learnt from context alone take them for near synonyms. The same
words, learnt so that their mean tells a text's sentiment, point in opposite directions. 忐 and 忑, which hardly occur
but side by side (忐忑: uneasy), have nearly the same vector either way. The corpus is made here, by the rules below.
"""

import random

import firth

LIKE, LOATHE = ["喜欢", "热爱", "欣赏"], ["讨厌", "厌恶", "反感"]
WHO = ["我", "你", "他", "她", "我们", "大家", "老师", "妈妈"]
WHAT = ["电影", "音乐", "小说", "火锅", "天气", "城市", "比赛", "工作", "衣服", "老板"]
WHICH = ["这个", "那个", "今天的", "新的", "旧的"]
HOW = ["很", "非常", "真的", "一直", "特别"]
EATEN, DRUNK = ["苹果", "米饭", "面条", "饺子"], ["茶", "咖啡", "牛奶", "啤酒"]
WHEN = ["考试", "面试", "手术", "比赛", "演出", "见面"]
UNEASY = [
    "{when} 之前 {who} 心里 忐 忑 不安",
    "{when} 的 时候 {who} 感到 忐 忑 极了",
    "{who} 忐 忑 地 等待 {when} 的 结果",
    "想到 {when} {who} 就 忐 忑 得 一夜 没 睡",
]
CALM = [
    "{when} 之前 {who} 心里 十分 平静",
    "{when} 的 时候 {who} 感到 轻松 极了",
    "{who} 安心 地 等待 {when} 的 结果",
    "想到 {when} {who} 就 高兴 得 一夜 没 睡",
]


def opinions(number: int, chance: random.Random) -> tuple[list[str], list[str]]:
    """Sentences that say what somebody feels, and which way: only the verb, or the mood, tells."""
    texts, labels = [], []
    for _ in range(number):
        good = chance.random() < 0.5
        who = chance.choice(WHO)
        if chance.random() < 0.25:
            texts.append(chance.choice(CALM if good else UNEASY).format(who=who, when=chance.choice(WHEN)))
        else:
            verb = chance.choice(LIKE if good else LOATHE)
            texts.append(f"{who} {chance.choice(HOW)} {verb} {chance.choice(WHICH)} {chance.choice(WHAT)}")
        labels.append("好" if good else "坏")
    return texts, labels


def chatter(number: int, chance: random.Random) -> list[str]:
    """Sentences without an opinion: there is more to a language than liking."""
    found = []
    for _ in range(number):
        verb, things = chance.choice([("吃", EATEN), ("喝", DRUNK), ("买", EATEN + DRUNK), ("看", WHAT[:3])])
        found.append(
            f"{chance.choice(WHO)} {chance.choice(['昨天', '明天', '早上'])} {verb} 了 {chance.choice(things)}"
        )
    return found


def similarities(seed: int = 1, number: int = 6000) -> dict[str, tuple[float, float]]:
    """Cosines of pairs of words: (by context alone, by the label)."""
    chance = random.Random(seed)
    texts, labels = opinions(number, chance)
    sentences = texts + chatter(number, chance)
    chance.shuffle(sentences)
    whole = {"window": "sentence", "shrink_windows": False, "subsample": 0}  # all words of a sentence are its context
    context = firth.Word2Vec(dim=8, min_count=1, epochs=10, seed=seed, **whole).fit(sentences, threads=1)
    classifier = firth.TextClassifier(dim=8, lr=0.5, epochs=10, seed=seed).fit(texts, labels, threads=1)
    pairs = [("喜欢", "讨厌"), ("喜欢", "热爱"), ("忐", "忑"), ("喜欢", "电影")]
    learnt = classifier.vectors
    return {f"{a} {b}": (float(context.similarity(a, b)), float(learnt.similarity(a, b))) for a, b in pairs}


def main() -> None:
    print(f"{'pair':<10} {'context':>8} {'label':>8}")
    for pair, (by_context, by_label) in similarities().items():
        print(f"{pair:<8} {by_context:8.2f} {by_label:8.2f}")


if __name__ == "__main__":
    main()
