"""What each interlock asks, as pure questions: every answer is a plain reason why nothing may be dialled, or empty.

Whoever cannot tell (a file that is not there, a clock that nobody sets) answers with a reason: they fail closed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from softswitch.safeguards.admission import Clearance, admit

CLOCK_STEP = timedelta(seconds=5)
"""A wall clock that jumps by more, or is so far behind the store, makes calling hours and records doubtful."""
SHORTEST_MESSAGE_S = 1.0
"""Nobody says who has called, and how to be removed, in less."""
QUIETEST_MESSAGE = 328
"""Of 32,768: -40 dB of full scale. A message whose loudest sample is below is silence to the callee."""


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What the kernel says of its clock (adjtimex(2)), which NTP or PTP disciplines."""

    is_synchronised: bool
    offset_ms: float
    """What is still to be corrected."""


@dataclass(frozen=True, slots=True)
class MessageSound:
    """What is in the file of an information message."""

    duration_s: float
    peak: int
    """Loudest sample, 0 to 32768."""


def supervision(agents: int, present: int, heard: int, ratio: int) -> str:
    """agents: logged in.  present: supervisors who watch.  heard: those of them who can listen and be heard.

    ratio: agents that one of them may watch; 0 asks for nobody.
    """
    if not ratio:
        return ""
    if not present:
        return "no supervisor is present: open the wallboard"
    if not heard:
        return "no supervisor who is present can listen: test the headset or phone on the wallboard"
    if agents > ratio * heard:
        deaf = f" ({present - heard} more without sound)" if present > heard else ""
        return f"{heard} supervisors{deaf} for {agents} agents; one may watch {ratio}"
    return ""


def never_dial(taken_at: datetime | None, wall: datetime, longest_days: int) -> str:
    """taken_at: when the list that is loaded was made; None: none is loaded."""
    if taken_at is None:
        return "no never-dial list is loaded, or not all of it is there: import it"
    age = wall - taken_at
    if age > timedelta(days=longest_days):
        return f"the never-dial list is {age.days} days old, {longest_days} are allowed: import the present one"
    if age < -CLOCK_STEP:
        return f"the never-dial list is of {taken_at:%Y-%m-%d %H:%M} UTC, which is yet to come"
    return ""


def kernel_clock(clock: KernelClock | None, largest_offset_ms: float) -> str:
    """clock: None where the kernel does not say."""
    if clock is None:
        return "the kernel does not say whether its clock is synchronised"
    if not clock.is_synchronised:
        return "the clock is not synchronised: see to NTP (timedatectl, chronyc tracking)"
    if abs(clock.offset_ms) > largest_offset_ms:
        return f"the clock is {abs(clock.offset_ms):.0f} ms off by NTP, {largest_offset_ms:.0f} ms are allowed"
    return ""


def store_clock(last_written: datetime | None, wall: datetime) -> str:
    """last_written: the newest moment that the store holds; None: it is new."""
    if last_written is None or wall >= last_written - CLOCK_STEP:
        return ""
    behind = (last_written - wall).total_seconds()
    return f"the clock is {behind:.0f} s behind the store, last written at {last_written:%Y-%m-%d %H:%M:%S} UTC"


def information_message(name: str, sound: MessageSound | None) -> str:
    """name: the prompt that the campaign names.  sound: None where its file cannot be read."""
    if not name:
        return "the campaign names no information message"
    if sound is None:
        return f'the information message "{name}" cannot be read'
    if sound.duration_s < SHORTEST_MESSAGE_S:
        return f'the information message "{name}" lasts {sound.duration_s:.1f} s, which says nothing'
    if sound.peak < QUIETEST_MESSAGE:
        return f'the information message "{name}" is silent'
    return ""


def abandoned_budget(missed: float, live: int, rate: float, limit: float, days: int = 1) -> str:
    """A campaign's calendar day, or so many of them, this one the last.

    missed: abandoned calls, expected false positives with them.  live: calls that an agent was heard in.
    rate: missed / (missed + live).  limit: the share that may not be reached.
    """
    if missed <= 0 or rate < limit:
        return ""
    when = "today" if days == 1 else f"in the last {days} days"
    allowed = f"{100 * limit:g} % are allowed"
    if live == 0:
        return f"no agent was heard in a call {when}, and {missed:.2g} count as abandoned; {allowed}"
    return f"{missed:.1f} of {missed + live:.0f} live calls were abandoned {when}, {100 * rate:.1f} %; {allowed}"


def roster(clearances: Iterable[Clearance], moment: datetime) -> str:
    """clearances: of the campaign's agents.  moment: in the site's time zone."""
    reasons = {admit(clearance, moment, {}).reason for clearance in clearances}
    if not reasons:
        return "no agent works for it"
    if "" in reasons:
        return ""
    return f"nobody may work now: {'; '.join(sorted(reasons))}"


def disk(free_bytes: int, minimum_bytes: int) -> str:
    if free_bytes >= minimum_bytes:
        return ""
    mb = 1_000_000
    return f"the recordings' disk has {free_bytes // mb} MB left of the {minimum_bytes // mb} it must have"
