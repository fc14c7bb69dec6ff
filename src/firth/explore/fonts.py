"""Which installed fonts have the characters of the words, and what to install where none has them."""

import logging
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

# Looked at before all others: complete for Han, kana and Hangul, and readable when small.
_FIRST = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "SimHei",
    "Noto Sans SC",
)
_PLAIN = "DejaVu Sans"  # comes with matplotlib
_CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH")


def families(texts: Iterable[str]) -> list[str]:
    """The fonts that together show every character of the texts, matplotlib's own first.

    Warns (RuntimeWarning) where characters are left that no installed font has, and says what to install.
    """
    wanted = {character for text in texts for character in text if character.isprintable() and character != " "}
    chosen = [_PLAIN]
    wanted -= _characters(_PLAIN)
    if wanted:
        _look_again()
    names = _installed() if wanted else []
    for name in sorted(names, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST)):
        if not wanted:
            break
        if shown := wanted & _characters(name):
            chosen.append(name)
            wanted -= shown
    if wanted:
        warnings.warn(missing(wanted), RuntimeWarning, stacklevel=2)
    return chosen


def missing(characters: set[str]) -> str:
    """What to say of characters that no font has.

    >>> print(missing({"北"}))
    No installed font has '北' (Chinese, Japanese or Korean): boxes stand in its place. Install one, as \
'apt install fonts-noto-cjk', and plot again; or save as .html, which is shown with the fonts of the browser.
    """
    some = "".join(sorted(characters)[:8])
    more = f" and {len(characters) - 8:,} more" if len(characters) > 8 else ""
    cjk = any(unicodedata.name(character, "").startswith(_CJK) for character in characters)
    kind, package = (" (Chinese, Japanese or Korean)", "fonts-noto-cjk") if cjk else ("", "fonts-noto-core")
    return (
        f"No installed font has {some!r}{more}{kind}: boxes stand in its place. Install one, as "
        f"'apt install {package}', and plot again; or save as .html, which is shown with the fonts of the browser."
    )


@contextmanager
def quiet_about_fonts() -> Iterator[None]:
    """Keep matplotlib from saying that a font comes in one weight only, or lacks a glyph: that was said already."""
    log = logging.getLogger("matplotlib")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            yield
    finally:
        log.setLevel(before)


def _installed() -> list[str]:
    from matplotlib import font_manager

    return sorted({entry.name for entry in font_manager.fontManager.ttflist} - {"Last Resort", _PLAIN})


@cache
def _look_again() -> None:
    """Once: matplotlib keeps a list of fonts on the disk, and does not know of those installed since."""
    from matplotlib import font_manager

    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in set(font_manager.findSystemFonts()) - known:
        try:
            font_manager.fontManager.addfont(path)
        except (OSError, RuntimeError, ValueError):  # a bitmap font, say, or one that is damaged
            continue


@cache
def _characters(family: str) -> frozenset[str]:
    """Every character of a font, by its character map."""
    from matplotlib import font_manager, ft2font

    try:
        with quiet_about_fonts():
            path = font_manager.findfont(font_manager.FontProperties(family=family), fallback_to_default=False)
        return frozenset(map(chr, ft2font.FT2Font(path).get_charmap()))
    except (OSError, RuntimeError, ValueError):
        return frozenset()
