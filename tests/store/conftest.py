"""What the store's tests share."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from softswitch.dialler.attempt import DialAttempt
from softswitch.store.database import Store

WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def with_store(url: str) -> Callable[[Callable[[Store], Coroutine[Any, Any, Any]]], Any]:
    """Run a coroutine function with an open store, and close it whatever happens."""

    def run(body: Callable[[Store], Coroutine[Any, Any, Any]]) -> Any:
        async def whole() -> Any:
            store = await Store.open(url)
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
