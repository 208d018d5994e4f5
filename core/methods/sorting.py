"""Build sorting networks that compute the median of a window.

The number of comparisons is kept small in three ways:

- sorted lists are merged by odd-even merging (Batcher 1968, doi:10.1145/1468075.1468121), and
  comparisons that do not contribute to the median are removed;
- windows share comparisons: the sorted columns of a window are also columns of its neighbours, shifted
  by one pixel, as in separable sorting (Adams 2021, doi:10.1145/3450626.3459773). Expressions that
  differ only by a displacement are stored once;
- neighbouring windows along the last axis are computed together: they share most of their
  columns, which are merged once for the whole group.

An element is discarded as soon as its rank among the pixels compared so far excludes it.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

Offset = tuple[int, ...]
Value = tuple[int, Offset]
"""A node of the network, displaced by an offset."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A node: the smaller or larger of two other nodes; the second is displaced by `offset`."""

    larger: bool
    first: int
    second: int
    offset: Offset


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A sorting network for the medians of `group` neighbouring windows.

    Attributes
    ----------
    window : tuple of int
        Odd extent of the window along each axis.
    axis : int
        Axis along which windows are grouped. Node i < `group` is every `group`-th line of the image along
        this axis, starting at line i.
    group : int
        Number of windows computed together.
    nodes : tuple of (int, Comparison)
        Comparisons in the order of computation, each with its number.
    medians : tuple of Value
        Results, one for each window of the group.
    """

    window: tuple[int, ...]
    axis: int
    group: int
    nodes: tuple[tuple[int, Comparison], ...]
    medians: tuple[Value, ...]

    @property
    def cost(self) -> float:
        """Number of comparisons per pixel of the result."""
        return len(self.nodes) / self.group


class _Builder:
    """Builder of a network that stores each comparison once, irrespective of its displacement."""

    def __init__(self, window: tuple[int, ...], order: tuple[int, ...], group: int) -> None:
        self.window, self.order, self.group = window, order, group
        self.grouped = order[-1]
        self.middle = math.prod(window) // 2
        self.known: dict[Comparison, int] = {}
        self.nodes: list[Comparison] = []
        self.lists: dict[tuple[int, int, Offset], tuple[list[Value], int, int]] = {}

    def compare(self, a: Value, b: Value, *, larger: bool) -> Value:
        origin = (0,) * len(self.window)
        offset = tuple(y - x for x, y in zip(a[1], b[1], strict=True))
        if (offset, b[0]) < (origin, a[0]):
            a, b, offset = b, a, tuple(-d for d in offset)
        comparison = Comparison(larger, a[0], b[0], offset)
        if comparison not in self.known:
            self.known[comparison] = self.group + len(self.nodes)
            self.nodes.append(comparison)
        return self.known[comparison], a[1]

    def merge(self, a: list[Value], b: list[Value]) -> list[Value]:
        """Merge two sorted lists (Knuth, The Art of Computer Programming 3, section 5.3.4)."""
        if not a or not b:
            return a or b
        if len(a) == len(b) == 1:
            return [self.compare(a[0], b[0], larger=False), self.compare(a[0], b[0], larger=True)]
        even, odd = self.merge(a[0::2], b[0::2]), self.merge(a[1::2], b[1::2])
        merged = even[:1]
        for low, high in itertools.zip_longest(odd, even[1:]):
            if low is None or high is None:
                merged.append(low or high)
            else:
                merged += [self.compare(low, high, larger=False), self.compare(low, high, larger=True)]
        return merged

    def select(self, a: list[Value], b: list[Value], rank: int) -> Value:
        """Return the element of a rank in two merged sorted lists: min over i of max(a[i-1], b[rank-i])."""
        terms = []
        for i in range(rank + 2):
            j = rank + 1 - i
            if i <= len(a) and j <= len(b):
                both = i > 0 and j > 0
                terms.append(
                    self.compare(a[i - 1], b[j - 1], larger=True) if both else b[j - 1] if j else a[i - 1]
                )
        while len(terms) > 1:
            pairs = [terms[i : i + 2] for i in range(0, len(terms), 2)]
            terms = [self.compare(p[0], p[1], larger=False) if len(p) == 2 else p[0] for p in pairs]
        return terms[0]

    def join(
        self, first: tuple[list[Value], int, int], second: tuple[list[Value], int, int]
    ) -> tuple[list[Value], int, int]:
        """Merge two lists, each given with its lowest rank and its number of pixels."""
        (a, rank_a, size_a), (b, rank_b, size_b) = first, second
        size = size_a + size_b
        lowest, highest = max(0, size - 1 - self.middle), min(size - 1, self.middle)
        low, high = lowest - rank_a - rank_b, highest - rank_a - rank_b
        drop_a, drop_b = max(0, low - len(b)), max(0, low - len(a))
        a, b = a[drop_a : high + 1], b[drop_b : high + 1]
        low, high = low - drop_a - drop_b, high - drop_a - drop_b
        if low == high and a and b:
            return [self.select(a, b, low)], lowest, size
        return self.merge(a, b)[low : high + 1], lowest, size

    def line(self, level: int, length: int, at: Offset) -> tuple[list[Value], int, int]:
        """Return the sorted pixels of `length` lines along an axis, starting at a pixel."""
        key = level, length, at
        if key in self.lists:
            return self.lists[key]
        axis = self.order[level]
        if length > 1:
            half = length - 1 if length % 2 else length // 2
            there = (*at[:axis], at[axis] + half, *at[axis + 1 :])
            found = self.join(self.line(level, half, at), self.line(level, length - half, there))
        elif level:
            found = self.line(level - 1, self.window[self.order[level - 1]], at)
        else:
            quotient, node = divmod(at[self.grouped], self.group)
            found = [(node, (*at[: self.grouped], quotient, *at[self.grouped + 1 :]))], 0, 1
        self.lists[key] = found
        return found

    def at(self, position: int) -> Offset:
        return tuple(position if axis == self.grouped else 0 for axis in range(len(self.window)))

    def share(
        self, core: tuple[list[Value], int, int], start: int, stop: int, first: int, count: int
    ) -> list[Value]:
        """Return the medians of `count` windows from `first` on, which share the lines `start` to `stop`."""
        width = self.window[self.grouped]
        if count > 1:
            half = count // 2
            return [
                median
                for begin in (first, first + half)
                for median in self.share(
                    *self.extend(core, start, stop, begin + half - 1, begin + width), begin, half
                )
            ]
        return [self.extend(core, start, stop, first, first + width)[0][0][0]]

    def extend(
        self, core: tuple[list[Value], int, int], start: int, stop: int, want_start: int, want_stop: int
    ) -> tuple[tuple[list[Value], int, int], int, int]:
        level = len(self.order) - 1
        while start > want_start:
            start -= 1
            core = self.join(self.line(level, 1, self.at(start)), core)
        while stop < want_stop:
            core = self.join(core, self.line(level, 1, self.at(stop)))
            stop += 1
        return core, start, stop

    def network(self) -> Network:
        level, width = len(self.order) - 1, self.window[self.grouped]
        shared = self.line(level, width - self.group + 1, self.at(self.group - 1))
        medians = tuple(self.share(shared, self.group - 1, width, 0, self.group))
        needed: set[int] = set()
        waiting = [node for node, _ in medians]
        while waiting:
            node = waiting.pop()
            if node >= self.group and node not in needed:
                needed.add(node)
                waiting += [self.nodes[node - self.group].first, self.nodes[node - self.group].second]
        nodes = tuple((node, self.nodes[node - self.group]) for node in sorted(needed))
        return Network(self.window, self.grouped, self.group, nodes, medians)


@lru_cache(maxsize=64)
def network(window: tuple[int, ...]) -> Network:
    """Return the network with the fewest comparisons for a window (odd extent along each axis)."""
    wide = tuple(axis for axis, extent in enumerate(window) if extent > 1)
    pixels = math.prod(window)
    orders = list(itertools.permutations(wide)) if pixels <= 150 else [wide[::-1]]  # building takes time
    sizes = (2, 4, 8) if pixels <= 800 else (8,)
    found = []
    for order in orders:
        last = order[-1] == len(window) - 1
        extent = window[order[-1]]
        small = max((g for g in (2, 4, 8) if g < extent), default=1)
        groups = (1,) if last else tuple(g for g in sizes if g < extent) or (small,)
        found += [_Builder(window, order, group).network() for group in groups]
    return min(found, key=lambda n: n.cost)
