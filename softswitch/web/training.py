"""Agents who practise: whose page has a practice call behind it, and what became of it.

An agent practises while no call can come: offline, or on a pause. As soon as the switch has them at work, the practice
call is gone and the page shows what is.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from softswitch.errors import UsageError
from softswitch.store.training import TrainingResult
from softswitch.survey.questionnaire import Questionnaire
from softswitch.training.drill import Drill, DrillState
from softswitch.training.scenarios import SCENARIOS, number_of, scenario_named
from softswitch.web.control import SwitchControl
from softswitch.web.training_desk import TrainingDesk

AWAY = ("offline", "paused")
"""States in which no call comes."""


class Book(Protocol):
    """Where results are kept; `softswitch.store.training.TrainingBook` fulfils it."""

    async def keep(self, result: TrainingResult) -> None: ...
    async def results(self, agent: str = "", limit: int = 100) -> list[TrainingResult]: ...


class NoBook:
    """For an application without a store: results are shown once."""

    async def keep(self, result: TrainingResult) -> None:
        return

    async def results(self, agent: str = "", limit: int = 100) -> list[TrainingResult]:
        return []


@dataclass(frozen=True, slots=True)
class PracticeView:
    """A practice call, for the agent who leads it. Which kind of callee it is, is told at the end."""

    drill_ref: str
    campaign: str
    state: str
    """"in call", "wrap-up", "over"."""
    said: str
    """What the callee says now."""
    clip: str
    """The voice of it: `GET /api/training/voices/{clip}`; empty where there is none."""
    callee: str
    """What kind it was, once it is over."""
    points: int | None
    passed: bool | None
    remarks: tuple[str, ...]


class Training:
    """The practice calls under way, by agent."""

    def __init__(
        self,
        scripts: Mapping[str, Questionnaire] | None = None,
        book: Book | None = None,
        *,
        clock: Callable[[], float],
        voices: Path | None = None,
        new_seed: Callable[[], int] = lambda: secrets.randbelow(1 << 32),
    ) -> None:
        """scripts: by campaign.  voices: a folder of WAV files, by the names of clips."""
        self.scripts = dict(scripts or {})
        self.book = book or NoBook()
        self._clock = clock
        self._voices = voices
        self._new_seed = new_seed
        self._desks: dict[str, TrainingDesk] = {}
        self._begun: dict[str, int] = {}

    def begin(self, control: SwitchControl, agent: str, campaign: str, scenario: str = "") -> TrainingDesk:
        """A practice call with the next kind of callee, or the one that is named.

        KeyError for an unknown agent, campaign or scenario; UsageError where the agent is at work.
        """
        if control.agent_page(agent).state not in AWAY:
            raise UsageError("pause first: practice is for when no call can come")
        script = self.scripts[campaign]
        seed = self._new_seed()
        turn = self._begun.get(agent, number_of(seed, "turn") % len(SCENARIOS))
        chosen = scenario_named(scenario) if scenario else SCENARIOS[turn % len(SCENARIOS)]
        self._begun[agent] = turn + (not scenario)
        drill = Drill(script, chosen, f"practice-{seed:08x}", agent, seed, self._clock())
        self._desks[agent] = TrainingDesk(drill, campaign, self._clock)
        return self._desks[agent]

    def desk_of(self, control: SwitchControl, agent: str) -> TrainingDesk | None:
        """None where the agent does not practise; whoever is at work does not."""
        desk = self._desks.get(agent)
        if desk is not None and control.agent_page(agent).state not in AWAY:
            self.leave(agent)
            return None
        return desk

    async def finish(self, agent: str) -> TrainingResult:
        """The agent's wrap-up is over: what the call was worth, and kept. UsageError where there is none to finish."""
        desk = self._desks.get(agent)
        if desk is None:
            raise UsageError("you are in no practice call")
        drill = desk.drill
        adherence = desk.adherence = drill.receive_done(self._clock())
        result = TrainingResult(
            at=datetime.now(UTC),
            agent=agent,
            campaign=desk.campaign,
            drill_ref=drill.drill_ref,
            scenario=drill.scenario.name,
            took_s=round(self._clock() - drill.began_at, 1),
            points=adherence.points,
            passed=adherence.passed,
            mandatory=adherence.mandatory,
            outcome=adherence.outcome,
            times=adherence.times,
            order=adherence.order,
            answers=adherence.answers,
            filter=adherence.filter,
            remarks=adherence.remarks,
        )
        await self.book.keep(result)
        return result

    def leave(self, agent: str) -> None:
        """One that was not finished is not kept."""
        self._desks.pop(agent, None)

    def view(self, desk: TrainingDesk) -> PracticeView:
        drill, adherence = desk.drill, desk.adherence
        said = drill.said(self._clock())
        return PracticeView(
            drill_ref=drill.drill_ref,
            campaign=desk.campaign,
            state=drill.state.value,
            said=said.words,
            clip=said.clip if self.voice(said.clip) is not None else "",
            callee=drill.scenario.title if drill.state is DrillState.OVER else "",
            points=None if adherence is None else adherence.points,
            passed=None if adherence is None else adherence.passed,
            remarks=() if adherence is None else adherence.remarks,
        )

    def voice(self, clip: str) -> Path | None:
        """The file of a clip that callees speak with; None for any other name."""
        clips = {"human-hello-1", "human-hello-3", "human-hello-4", "human-answer-1"} | {
            each.clip for each in SCENARIOS
        }
        if self._voices is None or not clip or clip not in clips:
            return None
        path = self._voices / f"{clip}.wav"
        return path if path.is_file() else None
