"""What the administrator's page is made of: blocks of plain values, which `assets/admin_screen.js` draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from softswitch.safeguards.site_setup import AgentsReport, Job, PromptReport, SiteSetup, TestCall, Upload
from softswitch.safeguards.wallboard import TrunkView

Block = dict[str, Any]
NEW = ""
"""What is chosen while a new element is written."""


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
    message: PromptReport | None = None
    """The one that was taken in last."""
    offer: tuple[str, str, int] | None = None
    """Of a phone's file, made last: agent, path, minutes that it holds for."""
    chosen: Mapping[str, str] = field(default_factory=dict)
    """By step: the element whose form is shown."""
    leads: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By campaign in force: leads that may still be called, and all."""
    zone: tzinfo = UTC
    """The site's, in which times are told."""
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


def job_blocks(shown: Shown, kind: str) -> list[Block]:
    """How the newest job goes whose name begins so, or what came of it."""
    job = next((each for each in shown.jobs if each.what.startswith(kind)), None)
    if job is None:
        return []
    of = f" for {job.subject}" if job.subject else ""
    if job.state == "running":
        share = job.rows_done / job.rows if job.rows else 0.0
        return [{"kind": "progress", "key": "job", "text": f"{job.what}{of}: {job.rows_done:,} rows", "share": share}]
    tone = "ready" if job.state == "done" else "alert"
    found = [light_block(f"{job.what}{of}. {job.error}", tone, job.state)]
    if job.figures:
        found.append(
            list_block("Figures", [f"{name.replace('_', ' ')}: {count:,}" for name, count in job.figures.items()])
        )
    if job.problems:
        found.append(list_block("Rows that could not be taken as they are", job.problems, "alert"))
    return found


def taken_blocks(
    shown: Shown,
    upload: str,
    buttons: Sequence[tuple[str, str, bool]],
    meanings: Sequence[str],
    first: Sequence[Block] = (),
) -> list[Block]:
    """The form for a file that has arrived: which column means what, and what to do with it."""
    file = shown.uploads.get(upload)
    if file is None:
        return []
    fields = list(first)
    if meanings and file.columns:
        by_name = [("", "None, or by its name"), *((name, name) for name in file.columns if name)]
        same = {name.casefold(): name for name in file.columns}
        fields += [select_field(f"column-{each}", f"Column: {each}", same.get(each, ""), by_name) for each in meanings]
    form = form_block(buttons[-1][0], "Uploaded file", fields, buttons, shown)
    form["key"] += file.upload_ref
    return [{"kind": "text", "key": upload + "-name", "text": f"{file.name}, {file.size:,} bytes."}, form]


def name_of_first(elements: Sequence[Any]) -> str:
    """Of the site's trunks or campaigns; a new one where there is none."""
    return str(elements[0].name) if elements else NEW
