"""Words: what fleetd speaks of. No input, no output, no clock."""
