"""The errors of the core.

CoreError
├── SettingsError     a variable of the environment holds what is not allowed
├── ProtocolError     bytes from a peer that are no message of ours
├── VersionMismatch   a peer that speaks another version
├── StoreError        an object that is missing, damaged or cannot be written
├── ValueGraphError   a graph of values that does not fit together
│   └── MissingPackageError   it names a package that is not installed here
└── UnappliedChangeError      the block changed an object that cannot be changed in the client
"""


class CoreError(Exception):
    """Base of everything that the core raises on purpose."""


class SettingsError(CoreError):
    """A setting cannot be used; the message names the variable, its value and what is allowed."""


class ProtocolError(CoreError):
    """Bytes arrived that do not decode as a message; the connection's peer is at fault."""


class VersionMismatch(CoreError):
    """Two parts of a cluster speak different versions; the message names both."""


class StoreError(CoreError):
    """An object of the store is missing, damaged, or could not be written."""


class ValueGraphError(CoreError):
    """A graph of values refers to what is not in it."""


class MissingPackageError(ValueGraphError):
    """A program needs a package that is not installed here; the message names it, the variable
    that needs it and what to do."""


class UnappliedChangeError(CoreError):
    """A block changed an object in place, and the client's own object cannot be made to show it;
    the message names the object's type and what to do instead."""


class UnconvertibleValueError(Exception):
    """A block used a value that cannot travel to the cluster.

    The message names the variable, its type, where it is used and why it stayed behind. It is no
    ``CoreError``: it is raised inside the user's block, and passes through it like any exception.
    """
