"""What every part of Ufora shares: settings, protocol, values and the compiler's front end.

Nothing here opens a socket, reads a clock or the environment, or draws a random number, but for
``store`` (files), and ``sockets`` and ``lifeline``, which the processes share.
"""

__version__ = "0.1.0"
