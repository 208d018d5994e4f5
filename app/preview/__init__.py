"""What a method would do to the visible pixels, computed in the background."""
