"""What a user typed, told to a process that one program starts as its own command."""

CALLED_AS = "QUANDARY_CALLED_AS"
"""The environment variable with the program's name, for its help: ``quandary`` where it hands a command on."""
