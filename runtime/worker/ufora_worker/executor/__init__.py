"""The executor process: it runs users' code, one root or range at a time."""
