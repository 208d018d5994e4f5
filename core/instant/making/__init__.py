"""Training of the weights of Instant; the program neither imports nor contains this package."""
