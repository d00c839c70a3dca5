"""The manager of a Ufora cluster: worker registry, scheduler, front end for clients."""
