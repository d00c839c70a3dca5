"""The only part that talks to anybody: to Kubernetes, and to the clusters' managers."""
