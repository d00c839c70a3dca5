"""What a worker knows and decides: events in, commands out, and nothing else."""
