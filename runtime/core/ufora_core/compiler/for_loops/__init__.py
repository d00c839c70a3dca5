"""``for`` statements taken apart: a map and an ordered fold, a sum, or turns as a function."""
