"""What the switch says to a command, as HTTP answers it."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import HTTPException

from softswitch.errors import UsageError
from softswitch.store.errors import StoreFailed

T = TypeVar("T")


async def carry_out(command: Coroutine[Any, Any, T]) -> T:
    """Run a command of the switch; what it refuses becomes an answer for the person who asked."""
    try:
        return await command
    except UsageError as error:
        raise HTTPException(409, str(error)) from None
    except StoreFailed as error:
        raise HTTPException(503, str(error)) from None
    except KeyError:
        raise HTTPException(404, "There is no such name.") from None
