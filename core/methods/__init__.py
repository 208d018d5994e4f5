"""Methods: filters, noise and networks, each a frozen dataclass on one list."""
