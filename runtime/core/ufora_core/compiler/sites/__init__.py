"""Where a program may be split: its *sites*, and the code of their items."""
