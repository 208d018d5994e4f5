"""The front ends of Quietfield: the window and the command line."""
