"""The Python interface, which the command line calls, too."""
