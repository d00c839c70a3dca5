"""The objects that a cluster should have: pure builders, one kind of thing a module."""
