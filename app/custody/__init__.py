"""The server's own secrets, as verbs on named keys."""
