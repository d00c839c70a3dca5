"""The compiler's front end: where a program may be split, and why it may (or may not)."""
