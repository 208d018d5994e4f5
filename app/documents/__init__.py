"""What comes in and goes out: opening, exporting, recipes."""
