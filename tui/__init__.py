"""The terminal interface: a face of fleetd for operators."""
