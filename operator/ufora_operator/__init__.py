"""The operator: keeps every UforaCluster of a Kubernetes cluster as its spec says."""

__version__ = "0.1.0"
