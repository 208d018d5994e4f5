"""The command line: subcommands that use the engine without Qt."""
