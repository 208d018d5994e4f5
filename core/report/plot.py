"""A plot as inline SVG, whose colours are those of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup, escape

from core.report.scales import Scale

Colour = Literal["one", "two", "three", "four", "five", "six", "muted"]
"""Class of a mark; the style sheet gives it a colour in light and in dark."""

COLOURS: tuple[Colour, ...] = ("one", "two", "three", "four", "five", "six")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4", "1 4")
"""Dash patterns of the first lines, so that they differ without colour."""

LEFT, RIGHT, TOP, BOTTOM = 64, 12, 10, 38
"""Margins for the texts of the axes."""


def svg(width: float, height: float, title: str, marks: Sequence[str]) -> Markup:
    """Return a picture with a title for those who cannot see it; titles of its marks show as tooltips."""
    box = f'viewBox="0 0 {width:g} {height:g}"'
    head = f'<svg role="img" {box} style="width:{width:g}px" aria-label="{escape(title)}">'
    return Markup("".join((head, *marks, "</svg>")))


def tag(name: str, content: str = "", hint: str = "", /, **attributes: object) -> str:
    """Return an element; `content` is escaped, `hint` is its tooltip, and ``_`` in names becomes ``-``."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_text(value))}"' for key, value in attributes.items()
    )
    tooltip = f"<title>{escape(hint)}</title>" if hint else ""
    return f"<{name}{given}>{tooltip}{escape(content)}</{name}>"


def _text(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@dataclass(slots=True, kw_only=True)
class Plot:
    """A plot that is being drawn.

    Attributes
    ----------
    width, height : float
        Size in CSS pixels.
    x, y : Scale
        Axes, whose positions are those of the plot.
    """

    width: float
    height: float
    x: Scale
    y: Scale
    _marks: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        xs: Sequence[float],
        ys: Sequence[float],
        *,
        width: float = 340,
        height: float = 220,
        log: bool = False,
        margin: float = 0.06,
    ) -> Plot:
        """Return an empty plot that has room for the given values."""
        x = Scale.of(xs, LEFT, width - RIGHT, log=log, margin=margin)
        y = Scale.of(ys, height - BOTTOM, TOP, margin=0.08)
        return cls(width=width, height=height, x=x, y=y)

    def points(self, xs: Sequence[float], ys: Sequence[float], colour: Colour, square: bool = False) -> None:
        """Draw points: discs, or squares."""
        for x, y in zip(xs, ys, strict=True):
            across, down = self.x.at(x), self.y.at(y)
            if square:
                mark = tag(
                    "rect", x=across - 2.6, y=down - 2.6, width=5.2, height=5.2, class_=f"fill {colour}"
                )
            else:
                mark = tag("circle", cx=across, cy=down, r=3, class_=f"fill {colour}")
            self._marks.append(mark)

    def errors(
        self, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], colour: Colour
    ) -> None:
        """Draw vertical error bars."""
        for x, low, high in zip(xs, lows, highs, strict=True):
            at = self.x.at(x)
            self._marks.append(
                tag("line", x1=at, x2=at, y1=self.y.at(low), y2=self.y.at(high), class_=f"thin {colour}")
            )

    def line(
        self, xs: Sequence[float], ys: Sequence[float], colour: Colour, dash: str = "", hint: str = ""
    ) -> None:
        """Draw a line through points."""
        path = " ".join(f"{self.x.at(x):.1f},{self.y.at(y):.1f}" for x, y in zip(xs, ys, strict=True))
        dashed = {"stroke_dasharray": dash} if dash else {}
        self._marks.append(tag("polyline", "", hint, points=path, class_=f"line {colour}", **dashed))

    def band(
        self, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float], colour: Colour
    ) -> None:
        """Fill the area between two lines."""
        there = [(x, low) for x, low in zip(xs, lows, strict=True)]
        back = [(x, high) for x, high in zip(xs, highs, strict=True)][::-1]
        path = " ".join(f"{self.x.at(x):.1f},{self.y.at(y):.1f}" for x, y in there + back)
        self._marks.append(tag("polygon", points=path, class_=f"band {colour}"))

    def level(self, value: float, colour: Colour = "muted") -> None:
        """Draw a dashed horizontal line."""
        at = self.y.at(value)
        ends = {"x1": self.x.start, "x2": self.x.end, "y1": at, "y2": at}
        self._marks.append(tag("line", class_=f"thin {colour}", stroke_dasharray="4 3", **ends))

    def add(self, mark: str) -> None:
        """Draw an element that was made elsewhere."""
        self._marks.append(mark)

    def render(self, title: str, below: str, beside: str, count: int = 5) -> Markup:
        """Return the plot with its axes.

        Parameters
        ----------
        title : str
            What the plot shows, for those who cannot see it.
        below, beside : str
            Quantities along X and Y with their units.
        count : int
            Number of ticks along each axis, about.
        """
        marks = []
        for value, text in self.y.ticks(count):
            at = self.y.at(value)
            marks.append(tag("line", x1=self.x.start, x2=self.x.end, y1=at, y2=at, class_="grid"))
            marks.append(tag("text", text, x=self.x.start - 7, y=at + 4, class_="tick", text_anchor="end"))
        base = self.y.start
        for value, text in self.x.ticks(count):
            at = self.x.at(value)
            marks.append(tag("line", x1=at, x2=at, y1=base, y2=base + 4, class_="axis"))
            marks.append(tag("text", text, x=at, y=base + 16, class_="tick", text_anchor="middle"))
        marks.append(tag("line", x1=self.x.start, x2=self.x.end, y1=base, y2=base, class_="axis"))
        middle = (self.x.start + self.x.end) / 2
        marks.append(tag("text", below, x=middle, y=base + 33, class_="label", text_anchor="middle"))
        turned = f"translate(12 {(self.y.start + self.y.end) / 2:.1f}) rotate(-90)"
        marks.append(tag("text", beside, transform=turned, class_="label", text_anchor="middle"))
        return svg(self.width, self.height, title, [*marks, *self._marks])
