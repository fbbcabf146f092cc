"""What campaigns were told last."""


def test_the_last_word_to_each_campaign_is_kept(with_store) -> None:
    async def tell(store):
        assert await store.campaign_orders() == {}
        for campaign, wanted in (("survey", "running"), ("other", "paused"), ("survey", "stopped")):
            await store.keep_order(campaign, wanted)

    async def ask(store):
        return await store.campaign_orders()

    with_store(tell)
    assert with_store(ask) == {"survey": "stopped", "other": "paused"}
