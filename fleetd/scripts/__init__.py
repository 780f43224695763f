"""Killable child processes that run Lua and Jinja2."""
