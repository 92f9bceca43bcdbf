"""What can be held against the deployment's files without an engine for containers or a running systemd."""
