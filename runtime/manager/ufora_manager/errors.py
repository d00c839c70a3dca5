"""The errors of the manager.

ManagerError
├── StartError            the manager cannot start as it is set up
├── EventRefused          an event contradicts what the scheduler knows
│   └── InvalidTransition a job cannot go from its state to the one asked for
├── BrokenRecords         the journal's records contradict each other
├── JournalError          the journal cannot be read or written
└── TransferError         an object could not be brought to a worker, or from one
    └── ObjectUnknown     the worker says that it does not have it
"""


class ManagerError(Exception):
    """Base of everything that the manager raises on purpose."""


class StartError(ManagerError):
    """The manager cannot start; the message names what is in the way and what to do."""


class EventRefused(ManagerError):
    """An event contradicts what the scheduler knows; the state is as it was before."""


class InvalidTransition(EventRefused):
    """A job cannot go from its state to the one asked for; the message tells the job's story."""


class TransferError(ManagerError):
    """An object could not be moved between the manager and a worker; the message names both."""


class ObjectUnknown(TransferError):
    """The worker that was asked for an object says that it does not have it."""


class BrokenRecords(ManagerError):
    """Records that are all there describe no state that a scheduler could have been in."""


class JournalError(ManagerError):
    """The journal cannot be read or written; the message names the file and the reason."""
