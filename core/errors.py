"""The error that is reported to the user as a message."""


class QuietfieldError(Exception):
    """An error that the user can understand and fix.

    The message is one or two sentences: what happened, with which file or value, and what to do. Any other
    exception is a defect of the program.
    """
