"""The measured goals, as ratios taken in one run."""
