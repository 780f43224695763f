"""One checker for what people paste: it names the exact place and the fix, and never guesses silently."""
