"""The loops: the only part that changes a cluster."""
