"""What was measured, held against its goal."""

from dataclasses import dataclass, field

from benchmarks.measure import table


@dataclass(slots=True)
class Report:
    """The goals of one run, in the order they were measured."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def at_most(self, what: str, measured: float, goal: float, unit: str = "") -> None:
        self._add(what, measured, f"<= {goal:g}", unit, met=measured <= goal)

    def at_least(self, what: str, measured: float, goal: float, unit: str = "") -> None:
        self._add(what, measured, f">= {goal:g}", unit, met=measured >= goal)

    def _add(self, what: str, measured: float, goal: str, unit: str, *, met: bool) -> None:
        shown = f"{measured:,.0f}" if measured == round(measured) else f"{measured:,.3f}"
        space = f" {unit}" if unit else ""
        verdict = "met" if met else "**missed**"
        self.rows.append((what, f"{shown}{space}", f"{goal}{space}", verdict))
        print(f"{what}: {shown}{space}, goal {goal}{space}: {verdict}")

    def show(self) -> None:
        print("\n## Goals")
        table(("what", "measured", "goal", ""), self.rows)
        missed = sum(row[3] != "met" for row in self.rows)
        print(f"{len(self.rows) - missed} of {len(self.rows)} met")
