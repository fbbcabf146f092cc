"""OPTIONS to carriers' servers, and registrations that move on to another server."""

import pytest

from softswitch.calls.events import CallAnswered
from softswitch.sip.message import Request
from softswitch.ua.accounts import AccountFailed, AccountReachable, AccountRegistered, AccountState
from tests.ua.carriers import FIRST, SECOND, THIRD, Carriers, Scripted


def asked(**settings: object) -> Carriers:
    carriers = Carriers(options_s=30.0, **settings)
    for server in carriers.servers:
        server.on["OPTIONS"] = server.accept
    carriers.switch.start(carriers.now)
    return carriers


def says(server: Scripted, status: int) -> None:
    server.on["OPTIONS"] = lambda request: server.respond(request, status)


def is_silent(server: Scripted) -> None:
    server.on.pop("OPTIONS", None)


def test_each_server_is_asked_once_in_every_pause_and_not_all_at_once() -> None:
    carriers = asked()
    carriers.run(300.0)
    assert [len(server.of("OPTIONS")) for server in carriers.servers] == [10, 10, 10, 0]
    moments = {each.at for each in carriers.wire.transits if each.data.startswith(b"OPTIONS") and each.at < 30.0}
    assert len(moments) == 3
    (request, *_) = carriers.servers[0].of("OPTIONS")
    assert str(request.uri) == "sip:carrier.example"
    assert request.from_.tag


def test_without_the_setting_nobody_is_asked() -> None:
    carriers = Carriers()
    carriers.switch.start(carriers.now)
    carriers.run(300.0)
    assert carriers.wire.transits == []


@pytest.mark.parametrize("status", [200, 404, 405, 401, 407, 403, 500, 501, 483, 603])
def test_any_final_answer_but_503_is_a_sign_of_life(status: int) -> None:
    carriers = asked(servers=1)
    says(carriers.servers[0], status)
    carriers.run(300.0)
    assert carriers.switch.account_state("carrier") is AccountState.STATIC
    assert carriers.news() == []


@pytest.mark.parametrize("how", ["silent", "503"])
def test_a_server_that_misses_twice_in_a_row_is_passed_over_until_it_answers(how: str) -> None:
    carriers = asked()
    first, second, *_ = carriers.servers
    first.says(200)
    second.says(200)
    is_silent(first) if how == "silent" else says(first, 503)
    carriers.run(70.0)
    assert carriers.switch.account_state("carrier") is AccountState.STATIC, "two are left"
    carriers.call("one", seconds=0.5)
    assert carriers.invited() == [0, 1, 0, 0], "at once, without waiting for the first"
    first.on["OPTIONS"] = first.accept
    carriers.run(31.0)
    carriers.call("two", seconds=0.5)
    assert carriers.invited() == [1, 1, 0, 0]


def test_one_lost_answer_changes_nothing() -> None:
    carriers = asked(servers=1)
    server = carriers.servers[0]
    answers = iter([200, 503, 200, 503, 200, 503, 200, 200, 200])
    server.on["OPTIONS"] = lambda request: server.respond(request, next(answers))
    carriers.run(265.0)
    assert carriers.news() == []


def test_an_account_without_a_server_that_answers_is_down_and_comes_back_by_itself() -> None:
    carriers = asked(servers=2)
    for server in carriers.servers[:2]:
        is_silent(server)
    carriers.run(100.0)
    assert carriers.news() == [AccountFailed("carrier", 408, "no server answers OPTIONS")]
    assert carriers.switch.account_state("carrier") is AccountState.UNREACHABLE
    assert carriers.switch.channels_free("carrier") == 0
    carriers.servers[1].on["OPTIONS"] = carriers.servers[1].accept
    carriers.run(31.0)
    assert carriers.news()[-1] == AccountReachable("carrier")
    assert carriers.switch.account_state("carrier") is AccountState.STATIC


def test_a_late_answer_is_a_sign_of_life() -> None:
    carriers = asked(servers=1)
    server = carriers.servers[0]
    server.on["OPTIONS"] = lambda request: carriers.clock.call_at(
        carriers.now + 6.0, lambda: server.respond(request, 200)
    )
    carriers.run(300.0)
    assert carriers.switch.account_state("carrier") is AccountState.STATIC
    assert carriers.news() == []


def test_a_server_that_cannot_be_reached_counts_at_once() -> None:
    carriers = asked(servers=1)
    is_silent(carriers.servers[0])
    for _ in range(2):
        while not carriers.servers[0].of("OPTIONS"):
            carriers.run(0.5)
        carriers.servers[0].requests.clear()
        carriers.switch.receive_transport_error(FIRST, carriers.now)
    assert carriers.switch.account_state("carrier") is AccountState.UNREACHABLE


def test_servers_that_dns_adds_are_asked_and_those_that_it_takes_away_are_not() -> None:
    carriers = asked(servers=3)
    carriers.set_targets(FIRST, SECOND)
    carriers.run(61.0)
    assert len(carriers.servers[2].of("OPTIONS")) == 0
    carriers.set_targets(THIRD)
    before = [len(server.of("OPTIONS")) for server in carriers.servers]
    carriers.run(61.0)
    after = [len(server.of("OPTIONS")) for server in carriers.servers]
    assert after[:2] == before[:2]
    assert after[2] >= 2


def test_an_account_whose_name_is_not_known_yet_can_do_nothing_and_then_everything() -> None:
    carriers = Carriers()
    carriers.switch.set_targets("carrier", [], carriers.now)
    assert carriers.switch.account_state("carrier") is AccountState.UNRESOLVED
    assert carriers.switch.channels_free("carrier") == 0
    carriers.call("one")
    assert carriers.events("one")[0].reason == "account unresolved"  # type: ignore[attr-defined]
    carriers.set_targets(SECOND)
    carriers.servers[1].says(200)
    carriers.call("two")
    assert [type(each) for each in carriers.events("two")] == [CallAnswered]


def test_after_it_has_stopped_a_switch_asks_nobody() -> None:
    carriers = asked()
    carriers.run(100.0)
    carriers.switch.stop(carriers.now)
    carriers.run(50.0)
    before = len(carriers.wire.transits)
    carriers.run(300.0)
    assert len(carriers.wire.transits) == before
    assert carriers.switch.is_idle


# Registrations


def registering(**settings: object) -> Carriers:
    return Carriers(register=True, username="lab", password="secret", **settings)


def register_at(server: Scripted, status: int = 200, headers: tuple[tuple[str, object], ...] = ()) -> None:
    server.on["REGISTER"] = lambda request: server.respond(request, status, headers or (("Expires", 300),))


def registers(carriers: Carriers) -> list[int]:
    return [len(server.of("REGISTER")) for server in carriers.servers]


def test_a_registration_moves_on_from_a_server_that_is_silent() -> None:
    carriers = registering()
    register_at(carriers.servers[1])
    carriers.switch.start(carriers.now)
    carriers.run(4.5)
    assert carriers.news() == [AccountRegistered("carrier")]
    assert carriers.switch.account_state("carrier") is AccountState.REGISTERED
    first, second = carriers.servers[0].of("REGISTER")[0], carriers.servers[1].of("REGISTER")[0]
    assert first.call_id == second.call_id
    assert second.cseq.number == first.cseq.number + 1


def test_a_registration_that_moves_on_is_reached_by_the_new_server_s_transport() -> None:
    carriers = registering()
    carriers.set_targets(FIRST._replace(transport="TCP"), SECOND)
    register_at(carriers.servers[1])
    carriers.switch.start(carriers.now)
    carriers.run(4.5)
    sent = [each.data.decode() for each in carriers.wire.transits if each.data.startswith(b"REGISTER")]
    assert "Contact: <sip:lab@192.0.2.1:5060;transport=tcp>" in sent[0]
    assert "Contact: <sip:lab@192.0.2.1:5060>" in sent[-1]
    assert carriers.switch.account_state("carrier") is AccountState.REGISTERED


def test_a_registration_moves_on_from_a_503_and_stays_where_it_was_taken() -> None:
    carriers = registering()
    register_at(carriers.servers[0], 503, (("Retry-After", 60),))
    register_at(carriers.servers[1])
    carriers.switch.start(carriers.now)
    carriers.run(1.0)
    assert registers(carriers) == [1, 1, 0, 0]
    carriers.run(1000.0)
    assert registers(carriers)[0] == 1
    assert registers(carriers)[1] >= 4, "refreshes go to the server that has us"
    assert carriers.news() == [AccountRegistered("carrier")]


def test_a_registration_that_no_server_takes_fails_once_for_each_round_with_growing_pauses() -> None:
    carriers = registering()
    for server in carriers.servers:
        register_at(server, 503)
    carriers.switch.start(carriers.now)
    carriers.run(1.0)
    assert registers(carriers) == [1, 1, 1, 0]
    assert len(carriers.news()) == 1
    carriers.run(30.0)
    rounds = registers(carriers)[0]
    assert registers(carriers) == [rounds] * 3 + [0]
    assert 3 <= rounds <= 6
    assert len(carriers.news()) == rounds


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_is_the_registrar_s_last_word_for_this_round(status: int) -> None:
    carriers = registering()
    register_at(carriers.servers[0], status)
    carriers.switch.start(carriers.now)
    carriers.run(1.0)
    assert registers(carriers) == [1, 0, 0, 0]
    assert carriers.switch.account_state("carrier") is AccountState.UNREGISTERED
    assert carriers.switch.refusal_of("carrier") == status
    register_at(carriers.servers[0])
    carriers.run(400.0)
    assert carriers.switch.refusal_of("carrier") == 0


def test_a_registrar_that_does_not_answer_is_told_apart_from_one_that_has_not_yet() -> None:
    carriers = registering(servers=1)
    carriers.switch.start(carriers.now)
    carriers.run(1.0)
    assert carriers.switch.refusal_of("carrier") == 0
    carriers.run(40.0)
    assert carriers.switch.refusal_of("carrier") == 408


def test_a_challenge_and_a_423_are_answered_at_the_server_that_asks() -> None:
    carriers = registering()
    server = carriers.servers[0]

    def answer(request: Request) -> None:
        if "Authorization" not in request.headers:
            challenge = 'Digest realm="carrier.example", nonce="n1", algorithm=MD5, qop="auth"'
            server.respond(request, 401, (("WWW-Authenticate", challenge),))
        elif (request.expires or 0) < 600:
            server.respond(request, 423, (("Min-Expires", 600),))
        else:
            server.respond(request, 200, (("Expires", 600),))

    server.on["REGISTER"] = answer
    carriers.switch.start(carriers.now)
    carriers.run(1.0)
    assert registers(carriers) == [3, 0, 0, 0]
    assert carriers.switch.account_state("carrier") is AccountState.REGISTERED


def test_a_late_answer_of_a_server_that_was_left_does_not_count() -> None:
    carriers = registering(servers=2)
    carriers.switch.start(carriers.now)
    carriers.run(5.0)
    late = carriers.servers[0]
    late.respond(late.of("REGISTER")[0], 200, (("Expires", 300),))
    carriers.run(0.1)
    assert carriers.switch.account_state("carrier") is AccountState.UNREGISTERED


def test_an_account_registers_as_soon_as_dns_says_where() -> None:
    carriers = registering()
    carriers.switch.set_targets("carrier", [], carriers.now)
    carriers.switch.start(carriers.now)
    carriers.run(60.0)
    assert registers(carriers) == [0, 0, 0, 0]
    register_at(carriers.servers[2])
    carriers.set_targets(THIRD)
    carriers.run(1.0)
    assert carriers.switch.account_state("carrier") is AccountState.REGISTERED


def test_calls_wait_for_no_registration_that_lapsed() -> None:
    carriers = registering(servers=1)
    register_at(carriers.servers[0])
    carriers.switch.start(carriers.now)
    carriers.run(1.0)
    carriers.servers[0].on.pop("REGISTER")
    carriers.run(400.0)
    assert carriers.switch.account_state("carrier") is AccountState.UNREGISTERED
    assert carriers.switch.channels_free("carrier") == 0
    assert isinstance(carriers.news()[-1], AccountFailed)
