"""Tokens from blocks of chance."""

from softswitch.transports.tokens import BLOCK_BYTES, Tokens


def test_no_token_is_given_twice_across_blocks() -> None:
    tokens = Tokens()
    given = [tokens() for _ in range(3 * 2 * BLOCK_BYTES // 24)]
    assert len(set(given)) == len(given)
    assert all(len(token) == 24 and set(token) <= set("0123456789abcdef") for token in given)


def test_two_sources_have_nothing_in_common() -> None:
    one, two = Tokens(32), Tokens(32)
    assert not {one() for _ in range(500)} & {two() for _ in range(500)}
