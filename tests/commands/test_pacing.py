"""`softswitch pacing` as a person at a terminal meets it: files that cannot be used are named, with what to do."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from softswitch.commands.pacing import pacing_app
from softswitch.errors import UsageError


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory; begin with a copy of configs/market-reference.toml"),
        (b"agents = ", "is not TOML as configs/market-reference.toml is"),
        (b"\xff\xfe", "is not TOML as configs/market-reference.toml is"),
    ],
)
def test_a_market_that_is_not_there_or_is_none_is_named_with_what_to_do(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    market = tmp_path / "market.toml"
    if content is not None:
        market.write_bytes(content)
    found = CliRunner().invoke(pacing_app, ["simulate", "--market", str(market)])
    assert isinstance(found.exception, UsageError)
    assert str(found.exception).startswith(f"the market {market} ") and said in str(found.exception)
    assert "Errno" not in str(found.exception)
