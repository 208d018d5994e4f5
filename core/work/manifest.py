"""The manifest of a batch: one row for each source, as values, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from core import __version__, stored
from core.errors import QuietfieldError
from core.reading import parse_json

SCHEMA = 1
MOST_ROWS = 1_000_000
"""Maximum number of rows that are read."""

State = Literal["waiting", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What happened to one source.

    Attributes
    ----------
    source : str
        Absolute path of the source.
    result : str
        Name of the result in the folder of the batch.
    state : {"waiting", "done", "failed"}
        State of the result.
    recipe : str
        Name of the last step for users.
    settings : str
        SHA-256 of all that determines the result besides the source: steps, axes, types.
    seconds : float
        Computing time.
    findings : tuple of dict
        Findings, as `Finding.to_dict` gives them.
    error : str
        Why it failed, in one sentence; "" otherwise.
    fingerprint : dict
        `core.fingerprint.fingerprint` of the source.
    """

    source: str
    result: str
    state: State = "waiting"
    recipe: str = ""
    settings: str = ""
    seconds: float = 0.0
    findings: tuple[Mapping[str, Any], ...] = ()
    error: str = ""
    fingerprint: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the row as a dictionary for JSON."""
        return {**asdict(self), "seconds": round(self.seconds, 3), "findings": list(self.findings)}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Row:
        """Return the row that a dictionary from JSON describes.

        Raises
        ------
        ValueError
            If it does not describe a row.
        """
        given = stored.mapping(given, "the row")
        state = stored.text(given, "state")
        if state not in get_args(State):
            raise ValueError(f"state is {stored.brief(state)} instead of one of {', '.join(get_args(State))}")
        words = {name: stored.text(given, name, "") for name in ("recipe", "settings", "error")}
        return cls(
            source=stored.text(given, "source"),
            result=stored.file_name(given, "result"),
            state=state,  # type: ignore[arg-type]
            seconds=stored.number(given, "seconds", low=0),
            findings=tuple(
                stored.mapping(one, "a finding") for one in stored.items(given, "findings", MOST_ROWS)
            ),
            fingerprint=stored.mapping(stored.entry(given, "fingerprint"), "fingerprint"),
            **words,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All rows of a batch, in the order of its sources."""

    rows: tuple[Row, ...] = ()

    def of(self, source: str) -> Row | None:
        """Return the row of a source."""
        return next((row for row in self.rows if row.source == source), None)

    def with_row(self, row: Row) -> Manifest:
        """Return the manifest with another row for a source that it has."""
        return replace(self, rows=tuple(row if one.source == row.source else one for one in self.rows))

    def count(self, state: State) -> int:
        """Return the number of rows in a state."""
        return sum(row.state == state for row in self.rows)

    def to_json(self) -> str:
        """Return the manifest as JSON."""
        rows = [row.to_dict() for row in self.rows]
        return json.dumps({"quietfield": __version__, "schema": SCHEMA, "rows": rows}, indent=1) + "\n"

    def to_csv(self) -> str:
        """Return the manifest as a table; findings are their sentences."""
        table = io.StringIO()
        names = [one.name for one in fields(Row) if one.name not in ("settings", "fingerprint")]
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(names)
        for row in self.rows:
            values = row.to_dict()
            values["findings"] = " ".join(str(one.get("text", "")) for one in row.findings)
            writer.writerow([_printable(str(values[name])) for name in names])
        return table.getvalue()

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Parse a manifest.

        Raises
        ------
        QuietfieldError
            If it is none, is damaged, or was written by a later version.
        """
        try:
            whole = stored.mapping(parse_json(text), "the text")
            if stored.whole(whole, "schema", low=1) > SCHEMA:
                raise QuietfieldError("The manifest was written by a later Quietfield. Update Quietfield.")
            rows: Sequence[Any] = stored.items(whole, "rows", MOST_ROWS)
            return cls(rows=tuple(Row.from_dict(row) for row in rows))
        except ValueError as error:
            raise QuietfieldError(
                f"The manifest cannot be read: {error}. Remove it, or name another folder."
            ) from error


def _printable(text: str) -> str:
    """Return a text that UTF-8 can encode; names of files may hold any bytes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
