"""The pages that are plain HTML without a script: log-in, second factor, "no such page".

Their style is in them: a browser that has to fetch it first shows nothing meanwhile.
"""

from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
_STYLE = (ASSETS / "login.css").read_text(encoding="utf-8")


def plain_page(name: str) -> str:
    """The page with its style; what else it says in double braces is for whoever answers with it."""
    return (ASSETS / name).read_text(encoding="utf-8").replace("{{style}}", _STYLE)
