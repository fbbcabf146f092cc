"""What the store's tests share."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from softswitch.dialler.attempt import DialAttempt
from softswitch.store.database import Store
from softswitch.store.vault_key import make_key
from tests.store.postgresql import INITDB, Server, postgresql

WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if not INITDB:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("PostgreSQL's server is not installed")
    with postgresql() as server:
        yield server


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if os.environ.get("SOFTSWITCH_TEST_STORE") == "postgresql":
        return str(request.getfixturevalue("server").new_database())
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """The vault's master key."""
    path = tmp_path / "vault.key"
    make_key(path)
    return path


@pytest.fixture
def open_store(request: pytest.FixtureRequest, url: str) -> Callable[[], Coroutine[Any, Any, Store]]:
    """Open the store of `url`; a store that is no file has its key in one."""
    key_file = None if url.startswith("sqlite") else request.getfixturevalue("key_file")
    return lambda: Store.open(url, key_file)


@pytest.fixture
def with_store(
    open_store: Callable[[], Coroutine[Any, Any, Store]],
) -> Callable[[Callable[[Store], Coroutine[Any, Any, Any]]], Any]:
    """Run a coroutine function with an open store, and close it whatever happens."""

    def run(body: Callable[[Store], Coroutine[Any, Any, Any]]) -> Any:
        async def whole() -> Any:
            store = await open_store()
            try:
                return await body(store)
            finally:
                await store.close()

        return asyncio.run(whole())

    return run


@pytest.fixture
def make_attempt() -> Callable[..., DialAttempt]:
    def make(call_ref: str = "c1", **values: Any) -> DialAttempt:
        return DialAttempt(
            **{"call_ref": call_ref, "lead_ref": "l1", "campaign": "survey", "trunk": "carrier", "committed_at": WALL}
            | values
        )

    return make


@pytest.fixture
def lead_file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str, name: str = "list.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write
