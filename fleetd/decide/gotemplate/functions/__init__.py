"""What a template may call, a file for each family; ``library`` puts the families together."""
