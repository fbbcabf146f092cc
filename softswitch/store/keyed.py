"""Numbers that are known again and cannot be read: the store's suppressed and locked ones, by their keyed hashes."""

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Generic, TypeVar

Value = TypeVar("Value")


class KeyedNumbers(Generic[Value]):
    """Asked with a number, holds hashes. Equal to the set of numbers, or mapping from them, that it is made of."""

    def __init__(self, digest: Callable[[str], bytes], values: Mapping[bytes, Value]) -> None:
        self._digest = digest
        self._values = values

    def __contains__(self, number: str) -> bool:
        return self._digest(number) in self._values

    def __getitem__(self, number: str) -> Value:
        return self._values[self._digest(number)]

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[bytes]:
        """The hashes."""
        return iter(self._values)

    def items(self) -> Iterator[tuple[bytes, Value]]:
        """Hashes with what is known of each."""
        return iter(self._values.items())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Mapping):
            return {self._digest(number): value for number, value in other.items()} == self._values
        if isinstance(other, Set):
            return {self._digest(number) for number in other} == set(self._values)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]
