"""A worker of a Ufora cluster: a supervisor and its executors."""
