from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import count

import numpy as np
import pytest

from softswitch.dialler.agents import AgentBoard
from softswitch.dialler.dialling import Dialler
from softswitch.dialler.lead import Lead
from softswitch.dialler.locks import NumberLocks
from softswitch.dialler.rules import UNITED_KINGDOM, RuleSet
from softswitch.dialler.suppression import SuppressionList
from tests.dialler.desk import CAMPAIGN, NOON, Desk


@pytest.fixture
def open_desk() -> Callable[..., Desk]:
    def make(
        *leads: Lead,
        wall: datetime = NOON,
        board: AgentBoard | None = None,
        locks: NumberLocks | None = None,
        suppression: SuppressionList | None = None,
        started: bool = True,
        channels: int = 30,
        name: str = "survey",
        rules: RuleSet = UNITED_KINGDOM,
        **campaign: object,
    ) -> Desk:
        refs = count(1)
        dialler = Dialler(
            replace(CAMPAIGN, name=name, **campaign),
            suppression=suppression if suppression is not None else SuppressionList(),
            rng=np.random.default_rng(7),
            new_ref=lambda: f"{name}-call{next(refs)}",
            board=board,
            locks=locks,
            rules=rules,
        )
        desk = Desk(dialler, list(leads))
        dialler.set_wall(wall, desk.now)
        dialler.receive_channels(channels, desk.now)
        dialler.receive_interlocks(True, desk.now)
        if started:
            dialler.start(desk.now)
            desk.settle()
        return desk

    return make
