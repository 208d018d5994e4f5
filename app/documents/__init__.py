"""Input and output of the window: opening, exporting, recipes."""
