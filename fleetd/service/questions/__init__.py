"""One module for each kind of question; each function blocks, reads only, and answers in the one envelope."""
