"""What is to be done for a cluster now: decided from its spec, what is there, and the facts."""
