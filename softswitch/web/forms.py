"""Forms of the overseers' pages: searches that are plain links (GET), and sheets that ask before something is done."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from nicegui import ui
from nicegui.events import GenericEventArguments

from softswitch.web.elements import Text

LONGEST = 200
"""Characters of anything that is typed."""
_TAKE = """(event) => {
    event.preventDefault();
    emit(Object.fromEntries(new FormData(event.target)));
    event.target.reset();
}"""
"""What was typed leaves the page together, once, and is taken out of it."""


def field(
    label: str,
    name: str,
    kind: str = "text",
    *,
    value: str = "",
    classes: str = "",
    hint: str = "",
    needed: bool = False,
) -> ui.element:
    """A labelled input of the form that it stands in."""
    with ui.element("label"):
        Text(label)
        made = ui.element("input").classes(f"field {classes}")
    autocomplete = {"password": "current-password"}.get(kind, "off")
    made._props.update({"name": name, "type": kind, "maxlength": LONGEST, "autocomplete": autocomplete})
    made._props["^value"] = value  # as an attribute: a property would be set again over what is being typed
    if hint:
        made._props["placeholder"] = hint
    if needed:
        made._props["required"] = True
    return made


def choice(label: str, name: str, options: Sequence[tuple[str, str]], *, value: str = "") -> None:
    """A labelled list of (value, text)."""
    with ui.element("label"):
        Text(label)
        with ui.element("select").classes("field") as made:
            made._props["name"] = name
            for each, text in options:
                option = Text(text, tag="option")
                option._props["value"] = each
                if each == value:
                    option._props["^selected"] = ""


def search_form(path: str) -> ui.element:
    """A form that asks for the same page with what was typed in its address; use it as a context."""
    form = ui.element("form").classes("search")
    form._props.update({"method": "get", "action": path, "role": "search"})
    return form


def link(text: str, href: str, classes: str = "act") -> Text:
    """href: a path of ours."""
    made = Text(text, classes, tag="a")
    made._props["href"] = href
    return made


class Sheet:
    """A form over the page. What is typed is given to `take` at once; what it answers is a complaint, or empty."""

    def __init__(
        self, title: str, go: str, build: Callable[[], object], take: Callable[[Mapping[str, str]], Awaitable[str]]
    ) -> None:
        self._take = take
        with ui.dialog() as self._dialog, ui.element("div").classes("sheet"), ui.element("form") as form:
            Text(title, "sheet-title", tag="h2")
            self._text = Text("", "sheet-text", tag="p")
            build()
            first = next((each for each in form.descendants() if each.tag in ("input", "select")), None)
            if first is not None:
                first._props["data-autofocus"] = ""  # the dialog gives it the keyboard
            self._complaint = Text("", "complaint", tag="p").props("role=alert")
            with ui.element("div").classes("sheet-actions"):
                Text(go, "act act-main", tag="button").props("type=submit")
                Text("Cancel", "act", tag="button").props("type=button").on("click", self._dialog.close)
            form.on("submit", self._submitted, js_handler=_TAKE)
        self._dialog._props["aria-label"] = title

    def open(self, text: str = "") -> None:
        self._text.text = text
        self._complaint.text = ""
        self._dialog.open()

    @property
    def is_open(self) -> bool:
        return bool(self._dialog.value)

    async def _submitted(self, event: GenericEventArguments) -> None:
        given = event.args if isinstance(event.args, dict) else {}
        typed = {str(name)[:64]: value[:LONGEST] for name, value in given.items() if isinstance(value, str)}
        complaint = await self._take(typed)
        self._complaint.text = complaint
        if not complaint:
            self._dialog.close()
