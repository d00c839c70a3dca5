"""``for`` statements that are a pure map and an ordered fold."""
