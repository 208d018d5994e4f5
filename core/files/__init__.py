"""Open and save stacks of pixels."""
