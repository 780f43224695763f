"""Pages of text: what the service answers about one thing, as lines of which some lead on."""
