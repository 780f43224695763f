"""What a change of the declared objects would do to the fleet as it is now."""
