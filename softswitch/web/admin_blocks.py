"""What the administrator's page is made of: blocks of plain values, which `assets/admin_screen.js` draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from softswitch.safeguards.site_setup import AgentsReport, Job, SiteSetup, TestCall, Upload
from softswitch.safeguards.wallboard import TrunkView

Block = dict[str, Any]


@dataclass(slots=True)
class Shown:
    """What one open page has before it."""

    setup: SiteSetup
    trunks: tuple[TrunkView, ...] = ()
    """Those in force."""
    test_call: TestCall | None = None
    jobs: Sequence[Job] = ()
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    """By the block that took it in."""
    report: AgentsReport | None = None
    offer: tuple[str, str, int] | None = None
    """Of a phone's file, made last: agent, path, minutes that it holds for."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """By step: the element whose form is shown."""
    leads: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By campaign in force: leads that may still be called, and all."""
    edition: int = 0
    """Of the step; grows with each change that was carried out there: its forms begin anew."""


def form_block(
    what: str, title: str, fields: Sequence[Block], buttons: Sequence[tuple[str, str, bool]], shown: Shown
) -> Block:
    """buttons: of each its name, its words, and whether it is the main one."""
    key = f"{what}-{shown.edition}-{shown.chosen.get(what, '')}"
    return {"kind": "form", "key": key, "id": what, "title": title, "fields": list(fields), "buttons": list(buttons)}


def text_field(
    name: str,
    label: str,
    value: str,
    *,
    type_: str = "text",
    required: bool = False,
    hint: str = "",
    placeholder: str = "",
) -> Block:
    return {
        "name": name,
        "label": label,
        "value": value,
        "type": type_,
        "required": required,
        "hint": hint,
        "placeholder": placeholder,
    }


def select_field(name: str, label: str, value: str, choices: Sequence[tuple[str, str]], hint: str = "") -> Block:
    return {"name": name, "label": label, "value": value, "type": "select", "choices": list(choices), "hint": hint}


def upload_block(block: str, label: str, accept: str, *, record: bool = False) -> Block:
    return {"kind": "upload", "key": block, "id": block, "label": label, "accept": accept, "record": record}


def light_block(text: str, tone: str, word: str) -> Block:
    return {"kind": "light", "key": f"light-{text[:40]}", "text": text, "tone": tone, "word": word}


def words_block(key: str, text: str) -> Block:
    return {"kind": "text", "key": key, "text": text}


def list_block(title: str, items: Sequence[str], tone: str = "") -> Block:
    return {"kind": "list", "key": title, "title": title, "items": list(items), "tone": tone}


def table_block(caption: str, head: Sequence[str], rows: Sequence[tuple[str, Sequence[str], Any]]) -> Block:
    told = [{"id": name, "cells": list(cells), "actions": list(actions)} for name, cells, actions in rows]
    return {"kind": "table", "key": caption, "caption": caption, "head": list(head), "rows": told}


def new_button(step: str, text: str, shown: Shown) -> Block:
    return form_block(f"new-{step}", text, [], ((f"new-{step}", text, False),), shown)
