"""How many interviews each cell has, and whether it takes another."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from softswitch.survey.questionnaire import Answer, Cell


@dataclass(frozen=True, slots=True)
class CellFigures:
    """How full one cell is."""

    name: str
    limit: int
    filled: int
    """Complete interviews."""
    held: int
    """Interviews under way past the screening; each has its place until it ends otherwise."""

    @property
    def is_open(self) -> bool:
        return self.filled + self.held < self.limit


class QuotaBook:
    """The cells of one campaign's script. An interview holds its places from the screening on, so that no cell ever
    has more than its limit, and gives them back if it does not become complete."""

    def __init__(self, cells: Iterable[Cell], filled: Mapping[str, int] | None = None) -> None:
        """filled: complete interviews by cell, as the store has counted them."""
        self._cells = tuple(cells)
        self._filled = {cell.name: (filled or {}).get(cell.name, 0) for cell in self._cells}
        self._held: dict[str, tuple[str, ...]] = {}

    def cells_of(self, answers: Mapping[str, Answer]) -> tuple[str, ...]:
        return tuple(cell.name for cell in self._cells if cell.holds(answers))

    def hold(self, call_ref: str, cells: tuple[str, ...]) -> str:
        """Take a place in each of these cells; the name of one that is full, and then no place is taken, or empty."""
        self.release(call_ref)
        limits = {cell.name: cell.limit for cell in self._cells}
        for cell in cells:
            if self._filled[cell] + self._holders(cell) >= limits[cell]:
                return cell
        self._held[call_ref] = cells
        return ""

    def keep(self, call_ref: str, cells: tuple[str, ...]) -> None:
        """An interview of another process holds its places still, whether or not they are one too many now."""
        self._held[call_ref] = tuple(cell for cell in cells if cell in self._filled)

    def release(self, call_ref: str) -> None:
        self._held.pop(call_ref, None)

    def fill(self, call_ref: str) -> tuple[str, ...]:
        """The interview is complete; the cells in which it counts."""
        cells = self._held.pop(call_ref, ())
        for cell in cells:
            self._filled[cell] += 1
        return cells

    def figures(self) -> tuple[CellFigures, ...]:
        return tuple(
            CellFigures(cell.name, cell.limit, self._filled[cell.name], self._holders(cell.name))
            for cell in self._cells
        )

    def _holders(self, cell: str) -> int:
        return sum(cell in cells for cells in self._held.values())
