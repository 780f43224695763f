"""What sources and checks say of given objects: the engine's own judgement, and why it came out so."""
