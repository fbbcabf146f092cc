"""What a browser shows of a page before the page library's script has come: the same elements, as plain HTML.

The library sends a page as data, which a megabyte of script draws. So that nobody looks at an empty window meanwhile,
the elements stand in the page as HTML too, until the script has drawn its own. What only a component of ours can draw
says by `first_paint` what is shown in its place; without that, nothing is. Nothing here can be pressed or typed into,
but for links, and everything is escaped: text stays text.
"""

import re
from html import escape
from typing import Any

from nicegui import Client
from nicegui.element import Element

ID = "first-paint"
_ATTRIBUTE = re.compile(r"(aria-[a-z]+|role|href|method|action|type|for|scope|colspan)")
_TAG = re.compile(r"[a-z][a-z0-9]*")
_FIELDS = frozenset({"input", "select", "textarea"})
"""What is typed before the script is there would be lost."""
_VOID = frozenset({"input", "br", "hr", "img"})
_BEGINS = (
    'document.body.classList.add(matchMedia("(prefers-color-scheme: dark)").matches ? "body--dark" : "body--light");'
)
"""The page library's own word for light and dark, which its script says later."""
_ENDS = (
    "new MutationObserver((_, watch) => {"
    ' if (!document.querySelector("#app > *")) return;'
    f' document.getElementById("{ID}").remove(); watch.disconnect();'
    " }).observe(document.body, { childList: true, subtree: true });"
)
"""In the same frame in which the script's own elements come: nothing is seen twice."""


def add_first_paint(client: Client) -> None:
    """Once the page is built, and before it is sent."""
    painted = _children(client.content)
    client._body_html += (
        f'<script>{_BEGINS}</script><div id="{ID}" aria-busy="true">{painted}</div><script>{_ENDS}</script>\n'
    )


def text(tag: str, told: str, classes: str = "") -> str:
    """An element that holds plain text."""
    return f'<{tag} class="{escape(classes)}">{escape(told)}</{tag}>'


def _html(element: Element) -> str:
    if not element.visible:
        return ""
    paint = getattr(element, "first_paint", None)
    if paint is not None:
        return str(paint())
    if element.tag == "q-btn":
        label = element._props.get("label")
        return text("span", label, f"q-btn {' '.join(element._classes)}") if isinstance(label, str) and label else ""
    if element.tag == "button":  # one that does nothing yet is none
        return text("span", str(getattr(element, "_text", "")), " ".join(element._classes))
    if element.component is not None or not _TAG.fullmatch(element.tag):
        return ""
    begin = f"<{element.tag}{_attributes(element)}{' disabled' if element.tag in _FIELDS else ''}>"
    if element.tag in _VOID:
        return begin
    told: Any = getattr(element, "_text", None)
    return f"{begin}{escape(str(told)) if told else ''}{_children(element)}</{element.tag}>"


def _children(element: Element) -> str:
    return "".join(_html(child) for child in element.default_slot.children)


def _attributes(element: Element) -> str:
    found = [f' class="{escape(" ".join(element._classes))}"'] if element._classes else []
    if element._style:
        found.append(f' style="{escape("; ".join(f"{name}: {value}" for name, value in element._style.items()))}"')
    found += [
        f' {name}="{escape(str(value))}"'
        for name, value in element._props.items()
        if _ATTRIBUTE.fullmatch(name) and isinstance(value, str | int | float)
    ]
    return "".join(found)
