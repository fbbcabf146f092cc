"""Key words through the whole switch: somebody says one, and it stands on the wallboard with its call."""

import json
from pathlib import Path

import pytest

from softswitch.safeguards.supervision_views import AlertView
from softswitch.testing.callee import CalleePlan, Kind
from tests.scenarios.conftest import floor

pytest.importorskip("pocketsphinx")
PERSON = "+442079460001"
PLAN = {PERSON: CalleePlan(Kind.PERSON, ring_s=0.2, talk_s=300.0, seed=3)}
SAID = ("insurance company", "home insurance", "short survey", "very satisfied", "travelled abroad")
"""By the lab's agents."""


def test_what_an_agent_says_is_alerted_by_its_call_and_of_all_else_nothing_is_kept(tmp_path: Path, on_loop) -> None:
    changes = f"policy = -> key_words = {json.dumps(SAID)}\\npolicy ="

    async def story() -> None:
        async with floor(tmp_path, PLAN, changes=changes) as site:
            await site.log_in("1001")
            await site.start()
            board = site.switch.desk.wallboard

            def heard() -> list[AlertView]:  # on a busy machine it is also said that not all was
                return [each for each in board().alerts if each.kind == "key word" and "said: " in each.told]

            await site.until(heard, "a key word is heard")
            alert = heard()[0]
            assert (alert.agent, alert.call_ref) == ("1001", site.calls("in call")[0])
            assert alert.told in {f'the agent said: "{each}"' for each in SAID}

    on_loop(story())
