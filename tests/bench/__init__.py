"""How fast testimony comes in and releases open, beside the floor of the same machine in the same run."""
