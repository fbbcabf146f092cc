"""What the switch says to a command, as HTTP answers it."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import HTTPException

from softswitch.errors import UsageError
from softswitch.store.errors import StoreFailed

T = TypeVar("T")


async def carry_out(command: Coroutine[Any, Any, T], missing: str = "There is no such name.") -> T:
    """Run a command of the switch; what it refuses becomes an answer for the person who asked.

    missing: the answer where there is nothing by the name that was given.
    """
    try:
        return await command
    except UsageError as error:
        raise HTTPException(409, str(error)) from None
    except StoreFailed as error:
        raise HTTPException(503, str(error)) from None
    except KeyError:
        raise HTTPException(404, missing) from None
