"""The one error that is meant for a person."""


class QuietfieldError(Exception):
    """Something a person can understand and act on.

    The message is one or two sentences: what happened, with which file or value,
    and what to do about it. Every other exception is a defect of the program.
    """
