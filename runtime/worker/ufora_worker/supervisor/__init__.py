"""The supervisor process: a worker's sockets, its executors' processes, and what probes see."""
