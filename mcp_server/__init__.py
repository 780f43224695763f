"""The face for AI assistants: the questions and actions of the service over the Model Context Protocol."""
