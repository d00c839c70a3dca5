"""Loops on executors: taken over at sites, run in slices, given away, and put together again."""
