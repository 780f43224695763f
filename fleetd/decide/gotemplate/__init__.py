"""Go's text/template with the Sprig, Helm and Sveltos functions, compiled to closures and held by a budget.

The way of one template: ``lexer`` (text to tokens) → ``parser`` (tokens to ``nodes``) → ``compiler`` with ``statements``, ``expressions``
and ``calls`` (nodes to closures) → ``template`` (the interface). ``values`` says how Go's types are told apart in Python,
``run`` holds what one rendering may spend, ``formatting`` and ``printf`` write values as Go's fmt package does,
``functions/`` holds what a template may call: an explicit list of pure functions.
"""
