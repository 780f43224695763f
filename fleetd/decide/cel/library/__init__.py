"""The functions of the language and of its extensions, one file for each library."""
