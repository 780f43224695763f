"""Simulated clusters that speak the real protocol to real clients."""
