"""How the weights of Instant are made: the program itself neither imports nor contains this package."""
