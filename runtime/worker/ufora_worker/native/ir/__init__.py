"""The typed intermediate representation: what it consists of, its text, and what it means."""
