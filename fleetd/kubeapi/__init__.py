"""Kubernetes API machinery with storage as a port."""
