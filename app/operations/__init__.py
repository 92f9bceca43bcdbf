"""What an operator does at a terminal: set up, look, sweep, check after a restore. No HTTP, no printing."""
