"""The subcommands of the command line, on the engine alone."""
