"""``for`` statements on executors: their items in parallel, their folds in order."""
