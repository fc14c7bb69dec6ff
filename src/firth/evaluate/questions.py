"""Files of analogies, Google's and BATS's, as questions and the answers that count as right."""

import os
from dataclasses import dataclass, field
from itertools import permutations
from typing import TypeAlias

from firth.errors import InputError
from firth.evaluate.known import Known
from firth.evaluate.lines import File, named, numbered

Question: TypeAlias = tuple[str, str, str, str]
"""a is to b as c is to d; of several right answers d has all, with / between."""


@dataclass
class Asked:
    """The questions of one section; words as `Known` writes them."""

    name: str
    questions: list[Question] = field(default_factory=list)
    answers: list[tuple[str, ...]] = field(default_factory=list)
    """For each question, the words that count as right."""


def read(file: File, known: Known) -> list[Asked]:
    """The sections of a file; what it is is seen from its first line.

    Google's  sections ": name", questions "a b c d"
    BATS      one relation: lines "word TAB answer/answer/…"; every pair of its lines is a question. As b stands the
              first answer that is known (the first, where none is), and any of the answers counts as right

    Raises InputError, with the line, for a file that is something else. Mikolov et al. 2013; Gladkova et al. 2016.
    """
    lines = list(numbered(file))
    if lines and not lines[0][1].startswith((":", "#")) and len(lines[0][1].split()) == 2:
        return [_relation(file, lines, known)]
    return _sections(file, lines, known)


def _sections(file: File, lines: list[tuple[int, str]], known: Known) -> list[Asked]:
    sections: list[Asked] = []
    for number, line in lines:
        if line.startswith(":"):
            sections.append(Asked(line.lstrip(": ").strip()))
            continue
        words = line.split()
        if len(words) != 4:
            raise InputError(f"{named(file)}, line {number:,}: {len(words)} words, not four (a b c d): {line!r:.80}")
        if not sections:
            raise InputError(
                f"{named(file)}, line {number:,}: a question before the first section. Begin with ': name'."
            )
        a, b, c, d = map(known.form, words)
        sections[-1].questions.append((a, b, c, d))
        sections[-1].answers.append((d,))
    if not any(section.questions for section in sections):
        raise InputError(f"{named(file)} holds no questions (lines of four words under lines ': section').")
    return sections


def _relation(file: File, lines: list[tuple[int, str]], known: Known) -> Asked:
    pairs = []
    for number, line in lines:
        fields = line.split()
        if len(fields) != 2:
            raise InputError(
                f"{named(file)}, line {number:,}: {len(fields)} fields, not 'word answer/answer/…': {line!r:.80}"
            )
        answers = tuple(known.form(answer) for answer in fields[1].split("/") if answer)
        if not answers:
            raise InputError(f"{named(file)}, line {number:,}: {fields[0]!r} has no answer: {line!r:.80}")
        pairs.append((known.form(fields[0]), answers))
    if len(pairs) < 2:
        raise InputError(f"{named(file)} has one pair; an analogy needs two.")
    found = Asked(os.path.splitext(os.path.basename(named(file)))[0])
    for (a, these), (c, those) in permutations(pairs, 2):
        b = next((answer for answer in these if answer in known.ids), these[0])
        found.questions.append((a, b, c, "/".join(those)))
        found.answers.append(those)
    return found
