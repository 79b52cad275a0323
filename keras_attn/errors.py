"""The error that says what the user can mend."""


class UserError(ValueError):
    """Bad input: the message names the argument, what was expected, what came and what to try.

    The command line prints it as one line and exits with status 2.
    """
