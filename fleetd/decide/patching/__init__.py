"""Patches of profiles: what is rendered, changed before it is deployed."""
