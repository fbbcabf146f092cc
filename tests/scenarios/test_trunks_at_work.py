"""A trunk that an administrator adds, changes and removes while the switch runs, over real sockets."""

from pathlib import Path
from typing import Any

from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.trunk import Trunk
from tests.interop.site import DID
from tests.scenarios.conftest import Floor, floor

PERSON = "+442079460001"
PLAN = {PERSON: CalleePlan(Kind.PERSON, ring_s=0.1, talk_s=0.0, seed=3)}


def trunks(site: Floor) -> dict[str, tuple[str, int]]:
    return {each.name: (each.state, each.channels) for each in site.switch.desk.wallboard().trunks}


def test_a_trunk_is_used_as_soon_as_it_is_saved_and_waits_for_nothing_but_its_calls(tmp_path: Path, on_loop) -> None:
    async def story() -> None:
        second = await Trunk.start(PLAN, username="site", password="lab-secret")
        values: dict[str, Any] = {
            "host": "127.0.0.1", "port": second.address[1], "username": "site", "register": True, "caller_id": DID,
        }  # fmt: skip
        async with floor(tmp_path, PLAN) as site:
            office, trials = site.switch.administration, site.switch.site.trials
            assert office is not None
            site.switch.desk.supervisor_arrived("sue")
            saved = await office.put_trunk("second", {**values, "channels": 4}, "lab-secret", "ada")
            assert saved.waiting == ()
            await site.until(lambda: trunks(site)["second"] == ("registered", 4), "the new trunk is registered")
            assert set(site.switch.site.choose_trunks("elsewhere", PERSON)) == {"carrier", "second"}

            await office.test_call("second", PERSON, "ada")
            await site.until(lambda: trials.last().state == "answered", "the call is up")
            saved = await office.put_trunk("second", {**values, "channels": 9}, "", "ada")
            assert saved.waiting == ("[[trunks]] second: 1 calls are up on it",)
            assert (await office.setup()).waiting == saved.waiting
            assert trunks(site)["second"][1] == 4
            await site.until(lambda: trials.last().state == "ended", "the call is over")
            assert (len(second.journal.of("invite")), site.invites()) == (1, 0)
            assert (await office.apply_trunks("ada")).waiting == ()
            await site.until(lambda: trunks(site)["second"] == ("registered", 9), "it has registered anew")

            saved = await office.put_trunk("second", {**values, "caller_id": "+442079460124"}, "other", "ada")
            assert saved.waiting == ()  # the campaign has a trunk of its own
            await site.until(lambda: trunks(site)["second"][0] != "registered", "the carrier refuses the password")
            secrets = sorted((tmp_path / "secrets").iterdir())
            assert [path.read_text() for path in secrets] == ["other\n"]  # the old one is nobody's any more

            saved = await office.remove("trunks", "second", "ada")
            assert saved.waiting == ()
            assert set(trunks(site)) == {"carrier"}
            assert site.switch.site.choose_trunks("elsewhere", PERSON) == ["carrier"]
        await second.stop()

    on_loop(story())
