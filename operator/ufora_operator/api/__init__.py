"""The UforaCluster resource: its fields, their rules, and the CRD made of both."""
