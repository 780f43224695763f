"""What runs in a real cluster beside its API server and that others rely on."""
