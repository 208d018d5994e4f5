"""What lies under every part of the window: the document, jobs, preferences, colours, defects."""
