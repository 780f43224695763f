"""Rules: pure functions over the words. Time, ids and chance are arguments."""
