"""The palette, measured: text 4.5 to 1 and marks 3 to 1, in both themes."""

import math
import re

import pytest
from django.conf import settings

TOKENS = (settings.BASE_DIR / "static" / "css" / "tokens.css").read_text()
PAIR = re.compile(r"--([\w-]+): light-dark\(oklch\(([^)]*)\), oklch\(([^)]*)\)\)")
PALETTE = {
    name: {"light": light.split(), "dark": dark.split()}
    for name, light, dark in PAIR.findall(TOKENS)
}
GROUNDS = ["ground", "surface", "sunken"]
STATES = ["quiet", "assigned", "running", "blocked", "done", "failed"]

TEXT = [(ink, ground) for ink in ["ink", "ink-2", "ink-3", *STATES] for ground in GROUNDS]
TEXT += [(state, f"{state}-wash") for state in STATES]
TEXT += [("ink", f"{state}-wash") for state in STATES]
TEXT += [("ink-on", "ink"), ("ink-on", "ink-2"), ("ink-on", "failed")]
MARKS = [(mark, ground) for mark in ["edge", "focus"] for ground in GROUNDS]


def luminance(color):
    """Return the relative luminance (WCAG) of an oklch colour."""
    lightness, chroma, hue = (float(part.rstrip("%")) for part in color)
    lightness /= 100
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    red, green, blue = (min(max(part, 0), 1) for part in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other, theme):
    low, high = sorted(luminance(PALETTE[name][theme]) for name in (one, other))
    return (high + 0.05) / (low + 0.05)


def too_faint(pairs, least):
    """Return the pairs of colours whose contrast is below the least, by theme."""
    return [
        (one, other, theme, measured)
        for one, other in pairs
        for theme in ("light", "dark")
        if (measured := contrast(one, other, theme)) < least
    ]


def test_text_stands_out():
    assert too_faint(TEXT, 4.5) == []


def test_marks_stand_out():
    assert too_faint(MARKS, 3) == []


def test_the_measure_knows_black_from_white():
    assert luminance(["0%", "0", "0"]) == pytest.approx(0, abs=1e-6)
    assert luminance(["100%", "0", "0"]) == pytest.approx(1, abs=1e-6)


def test_every_colour_is_a_token():
    for sheet in ("frame.css", "components.css", "pages.css"):
        rules = (settings.BASE_DIR / "static" / "css" / sheet).read_text()
        bare = re.findall(r"#[0-9a-f]{3,8}\b(?=\s*[;,)])|rgb\(|hsl\(|oklch\(", rules)
        assert not bare, sheet
