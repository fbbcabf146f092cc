import asyncio
import re

from prometheus_client.parser import text_string_to_metric_families
from site_client import Site


def scrape(site: Site) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    async def story() -> str:
        response = await site.get("sue", "/metrics")
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/plain; version=")
        return response.text

    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(asyncio.run(story()))
        for sample in family.samples
    }


def test_the_figures_of_the_wallboard_are_there_for_prometheus_to_read() -> None:
    site = Site()
    site.switch.tick(90.0)
    site.switch.place_call("c1", "101", "in call")
    samples = scrape(site)
    campaign = ("campaign", "transport-2026")
    assert samples["softswitch_uptime_seconds", ()] == 90.0
    assert samples["softswitch_agents", (("state", "in call"),)] == 1
    assert samples["softswitch_agents", (("state", "offline"),)] == 1
    assert samples["softswitch_agents", (("state", "ready"),)] == 0
    assert samples["softswitch_calls", (("state", "in call"),)] == 1
    assert samples["softswitch_campaign_abandoned_ratio", (campaign,)] == 0.02
    assert samples["softswitch_campaign_outcomes_today", (campaign, ("outcome", "busy"))] == 4
    assert samples["softswitch_trunk_up", (("trunk", "carrier"),)] == 1
    assert samples["softswitch_interlock_closed", (("interlock", "recorder"),)] == 1
    assert samples["softswitch_interlock_closed", (("interlock", "supervisor"),)] == 0
    assert samples["softswitch_media_packets_total", (("direction", "in"),)] == 1000
    assert samples["softswitch_media_packets_lost_total", ()] == 3
    assert samples["softswitch_media_deaths_total", ()] == 0
    assert samples["softswitch_sip_datagrams_dropped_total", (("reason", "banned"),)] == 12
    assert samples["softswitch_sip_datagrams_dropped_total", (("reason", "rate"),)] == 0
    assert samples["softswitch_sip_sources_banned_total", (("reason", "guessing"),)] == 2
    assert samples["softswitch_media_cpu_seconds_per_packet", ()] == 3.5e-6
    assert samples["process_cpu_seconds_total", ()] > 0


def test_no_label_holds_a_call_reference_or_anything_like_a_telephone_number() -> None:
    site = Site()
    for number in range(20):
        site.switch.place_call(f"c{number}", "101", "in call")
    labels = {value for _, pairs in scrape(site) for _, value in pairs}
    assert not {label for label in labels if re.search(r"\d{5,}", label.replace(" ", ""))}
    assert not {label for label in labels if re.fullmatch(r"c\d+", label)}


def test_two_sites_in_one_process_do_not_share_a_registry() -> None:
    first, second = Site(), Site()
    first.switch.place_call("c1", state="ringing")
    key = ("softswitch_calls", (("state", "ringing"),))
    assert scrape(first)[key] == 1
    assert scrape(second)[key] == 0
