"""How far the network sees, for those who must know it without loading torch."""

GRID = 16
"""Images have sides that are multiples of this, and pieces begin at multiples of it."""

REACH = 144
"""Greatest distance in pixels over which the input can change the output, rounded up to the grid."""
