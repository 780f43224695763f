"""The declared kinds: Sveltos' and the Kubernetes ones that live beside them, a file a group."""
