"""A Transformer learns two tasks whose answers are known: strings from behind, and dates in one format.

    python recipes/reversal.py            strings of 1 to 12 characters, from behind
    python recipes/reversal.py few        the same, and one pair in twenty of 13 to 20 characters
    python recipes/reversal.py dates      "3 March 1987", "3.3.87", "Mar 3, 1987" … → 1987-03-03

It prints how often it is right to the letter with what it never saw: for strings by their length, so that one sees how
far it reaches beyond what it learnt from; for dates by how they were written.
"""

import random
import sys
import time
from datetime import date, timedelta

import firth

Pairs = list[tuple[str, str]]

CHARACTERS = "0123456789abcdef"
FORMATS = ("%d %B %Y", "%d.%m.%y", "%b %d, %Y", "%A, %d %B %Y", "%Y/%m/%d")
SMALL = {"units": "characters", "layers": 2, "heads": 4, "dim": 64, "ffn_dim": 128, "dropout": 0.0, "lr": 2e-3}


def reversals(number: int, shortest: int, longest: int, chance: random.Random) -> Pairs:
    """Strings and the same from behind."""
    lengths = (chance.randint(shortest, longest) for _ in range(number))
    strings = ["".join(chance.choice(CHARACTERS) for _ in range(length)) for length in lengths]
    return [(string, string[::-1]) for string in strings]


def dates(number: int, form: str | None, chance: random.Random) -> Pairs:
    """Days from 1970 to 2068 as people write them, and as ISO 8601 does: of one form, or of any."""
    days = (date(1970, 1, 1) + timedelta(days=chance.randrange(99 * 365)) for _ in range(number))
    return [(day.strftime(form or chance.choice(FORMATS)), day.isoformat()) for day in days]


def reverse(few: bool, steps: int = 1500) -> None:
    chance = random.Random(1)
    pairs = reversals(19_000, 1, 12, chance) + reversals(1_000, *((13, 20) if few else (1, 12)), chance)
    began = time.perf_counter()
    model = firth.Transformer(**SMALL, steps=steps, batch_tokens=64 * (21 if few else 13)).fit(pairs)
    print(f"{time.perf_counter() - began:.0f} s; right of 100 by length:")
    for length in (1, 4, 8, 12, 13, 14, 16, 18, 20, 22):
        print(f"{length:3}  {model.exact(reversals(100, length, length, chance)):.2f}", flush=True)


def iso(steps: int = 1500) -> None:
    chance = random.Random(1)
    began = time.perf_counter()
    model = firth.Transformer(**SMALL, steps=steps, batch_tokens=64 * 30).fit(dates(20_000, None, chance))
    print(f"{time.perf_counter() - began:.0f} s; right of 200 by form:")
    for form in FORMATS:
        new = dates(200, form, chance)
        print(f"{new[0][0]:>28}  {model.exact(new):.3f}", flush=True)
    model.attention(dates(1, FORMATS[0], chance)[0][0]).save("dates.png")


def main() -> None:
    if "dates" in sys.argv:
        iso()
    else:
        reverse("few" in sys.argv)


if __name__ == "__main__":
    main()
