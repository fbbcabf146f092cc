"""A browser headset over REST: each for the own headset, refusals in words, and nothing from another site."""

import asyncio

import pytest
from site_client import Site, log_in

OFFER = {"type": "offer", "sdp": "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8\r\n"}


@pytest.mark.parametrize(("name", "path"), [("101", "/api/agent/headset"), ("sue", "/api/supervisor/headset")])
def test_an_offer_is_answered_for_whoever_asks(name: str, path: str) -> None:
    async def story() -> None:
        site = Site()
        response = await site.post(name, path, OFFER)
        assert (response.status_code, response.json()) == (200, {"type": "answer", "sdp": "v=0\r\nan answer"})
        assert site.switch.headsets == {name: OFFER["sdp"].encode()}
        async with site.client(name) as client:
            for _ in range(2):
                assert (await client.delete(path)).status_code == 204
        assert site.switch.headsets == {}

    asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"type": "offer", "sdp": "hello"}, 409, "v=0"),
        ({"type": "offer", "sdp": "v=0\r\n"}, 409, "widen the range"),
        ({"type": "answer", "sdp": "v=0\r\n"}, 422, "offer"),
        ({"type": "offer", "sdp": ""}, 422, "sdp"),
        ({"type": "offer", "sdp": "v" * 40_000}, 422, "sdp"),
        ({"type": "offer", "sdp": "v=0", "agent": "102"}, 422, "agent"),
        ({"type": "offer"}, 422, "sdp"),
    ],
)
def test_what_cannot_be_is_refused_in_words(body: dict[str, str], status: int, words: str) -> None:
    async def story() -> None:
        site = Site()
        response = await site.post("101", "/api/agent/headset", body)
        assert response.status_code == status
        assert words in response.text
        assert site.switch.headsets == {}

    asyncio.run(story())


def test_another_site_cannot_open_the_microphone_of_an_agent_who_is_logged_in() -> None:
    async def story() -> None:
        site = Site()
        async with site.client() as client:
            await log_in(client, "101")
            there = await client.post("/api/agent/headset", json=OFFER, headers={"sec-fetch-site": "cross-site"})
            here = await client.post("/api/agent/headset", json=OFFER, headers={"sec-fetch-site": "same-origin"})
        assert (there.status_code, here.status_code) == (403, 200)

    asyncio.run(story())
