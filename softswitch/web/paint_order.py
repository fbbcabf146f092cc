"""The order in which a browser comes to draw one of our pages: what says what the page is, before what it waits for.

The page library imports its style sheets at the top, a quarter of a megabyte, and a browser draws nothing before it
has them. What is shown first (`first_paint`) needs our own few rules alone, which stand in the page itself, so the
library's sheets are asked for after it: one in the body keeps back only what comes behind it.
"""

import re

_SHEETS = re.compile(rb"<style>\s*@layer .*?</style>\s*", re.DOTALL)
_BEHIND = b'<div id="app"'
_PAINTED = b'<div id="first-paint"'


def painted_first(html: bytes) -> bytes:
    """A whole page with its style sheets behind what is painted first; any other page as it is."""
    head, painted, body = html.partition(_PAINTED)
    sheets = _SHEETS.search(head)
    if not painted or sheets is None or body.count(_BEHIND) != 1:
        return html
    before, app, rest = body.partition(_BEHIND)
    return b"".join((head[: sheets.start()], head[sheets.end() :], painted, before, sheets[0], app, rest))
