"""Every message of the cluster, typed, with its bytes tested."""
