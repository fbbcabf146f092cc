"""A small script for the survey's tests, as TOML, and what is changed in it."""

import tomllib

from softswitch.config.toml_lines import TomlLines
from softswitch.survey.questionnaire import Questionnaire
from softswitch.survey.reading import Fault, read

SMALL = """\
name = "small"
over_quota = "enough"
[closings]
refused = "Goodbye {first_name|then}."
[[nodes]]
id = "hello"
kind = "statement"
purpose = ["who_calls", "on_behalf", "recording_notice", "opt_out"]
text = "Hello {first_name|there}, this is a recorded call of ours for somebody else. Say so if you never want another."
next = "consent"
[[nodes]]
id = "consent"
kind = "single"
purpose = "consent"
text = "May I ask?"
choices = [{ id = "yes", text = "Yes", consents = true }, { id = "no", text = "No", next = "bye" }]
next = "age"
[[nodes]]
id = "age"
kind = "number"
text = "How old are you?"
at_least = 0
at_most = 120
screens = true
branch = [{ at_most = 15, next = "too_young" }]
next = "pets"
[[nodes]]
id = "pets"
kind = "multiple"
text = "Which pets have you?"
choices = [{ id = "dog", text = "Dog" }, { id = "cat", text = "Cat" }, { id = "none", text = "None", alone = true }]
branch = [{ is = "none", next = "done" }]
next = "why"
[[nodes]]
id = "why"
kind = "text"
text = "Why?"
maximum_s = 30
longest = 80
next = "done"
[[nodes]]
id = "done"
kind = "end"
ending = "complete"
text = "Thank you."
[[nodes]]
id = "bye"
kind = "end"
ending = "refused"
text = "Goodbye."
[[nodes]]
id = "too_young"
kind = "end"
ending = "screened_out"
text = "Too young."
[[nodes]]
id = "enough"
kind = "end"
ending = "over_quota"
text = "There are enough."
[[quotas]]
name = "young"
node = "age"
at_most = 34
limit = 2
"""


def parsed(text: str, visible: set[str] | None = None) -> tuple[Questionnaire | None, list[Fault]]:
    return read(tomllib.loads(text), TomlLines(text).line_of, visible)


def small(*changes: tuple[str, str]) -> Questionnaire:
    script, faults = parsed(changed(*changes))
    assert script is not None, faults
    return script


def changed(*changes: tuple[str, str]) -> str:
    """The script's text with each first text replaced by the second; every one must be there."""
    text = SMALL
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def line_of(part: str, text: str = SMALL) -> int:
    return text[: text.index(part)].count("\n") + 1
