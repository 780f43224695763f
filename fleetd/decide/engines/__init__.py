"""Other languages than Go templates: Jinja2, Jsonnet, and templates whose structure stands fast; run in children, except the last."""
