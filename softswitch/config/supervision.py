"""What a site's TOML file may say of supervision: when a supervisor must say why, and what is worth an alert."""

from typing import Annotated

from pydantic import Field

from softswitch.config.fields import Section
from softswitch.safeguards.alerts import Thresholds

Seconds = Annotated[float, Field(ge=0, le=3600)]


class SupervisionSettings(Section):
    """[supervision]: seconds from which on supervisors are warned; 0: never. See docs/supervision.md."""

    reason: bool = False
    """Whether listening, whispering, barging in and taking over need a reason, which the audit log keeps."""
    speech_dbov: Annotated[float, Field(ge=-70, le=-20)] = -45.0
    """An end of a call that is louder speaks."""
    silence_s: Seconds = 10.0
    """Nobody speaks for so long."""
    overlap_s: Seconds = 4.0
    """Both ends talk at once for so long."""
    silent_node_talk_s: Seconds = 2.0
    """The agent talks for so long at a node of the script that is silent."""
    untold_s: Seconds = 120.0
    """A call goes on for so long, and the callee has not been told who calls, that it is recorded, or been asked for
    consent."""
    after_end_s: Seconds = 30.0
    """A call goes on for so long after its script has ended."""
    key_word_calls: Annotated[int, Field(ge=1, le=20)] = 4
    """At most so many calls at a time are listened to for key words; each takes about a tenth of a processor core."""
    silent_limit: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of live calls that may be silent in a day, as the wallboard shows it. No regulator names one above 0."""

    def thresholds(self) -> Thresholds:
        return Thresholds(self.silence_s, self.overlap_s, self.silent_node_talk_s, self.untold_s, self.after_end_s)
