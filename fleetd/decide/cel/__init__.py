"""The Common Expression Language: source text to closures over plain JSON values, with a budget, spans and traces."""
