"""WCAG 2.2 §1.4.3: text has 4.5:1 against its ground (level AA), in light and in dark, tinted grounds included."""

import re

import pytest

from softswitch.web.plain_pages import ASSETS

TONES = ("ready", "reserved", "busy", "wrap", "paused", "idle", "alert")


def schemes(css: str) -> list[dict[str, str]]:
    """The custom properties of each block that sets a ground."""
    blocks = re.findall(r"\{([^{}]*--ground[^{}]*)\}", css)
    return [dict(re.findall(r"--([a-z-]+):\s*([^;]+);", block)) for block in blocks]


def channels(colour: str) -> tuple[float, float, float]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))  # type: ignore[return-value]


def mixed(colour: str, ground: str, share: float) -> tuple[float, float, float]:
    """color-mix(in srgb, colour share, ground)."""
    pairs = zip(channels(colour), channels(ground), strict=True)
    return tuple(a * share + b * (1 - share) for a, b in pairs)  # type: ignore[return-value]


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    def luminance(rgb: tuple[float, float, float]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_word_of_the_wallboard_can_be_read(scheme: int) -> None:
    colours = schemes((ASSETS / "wallboard.css").read_text())[scheme]
    tint = float(colours["tint"].rstrip("%")) / 100
    for name in ("ink", "quiet", "accent", *TONES):
        for ground in ("panel", "raised"):
            assert contrast(channels(colours[name]), channels(colours[ground])) >= 4.5, (name, ground)
    for tone in TONES:
        tinted = mixed(colours[tone], colours["panel"], tint)
        for name in ("ink", "quiet", tone):
            assert contrast(channels(colours[name]), tinted) >= 4.5, (name, tone)
    for name in ("ink", "quiet"):
        assert contrast(channels(colours[name]), channels(colours["ground"])) >= 4.5
    assert contrast(channels(colours["on-danger"]), channels(colours["danger"])) >= 4.5
    assert contrast(channels(colours["panel"]), channels(colours["accent"])) >= 4.5


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_word_of_the_login_page_can_be_read(scheme: int) -> None:
    colours = schemes((ASSETS / "login.css").read_text())[scheme]
    pairs = [("ink", "panel"), ("quiet", "panel"), ("on-accent", "accent"), ("alert", "alert-ground")]
    for name, ground in pairs:
        assert contrast(channels(colours[name]), channels(colours[ground])) >= 4.5, (name, ground)
    assert contrast(channels(colours["line"]), channels(colours["panel"])) >= 3.0  # §1.4.11, the fields' borders
