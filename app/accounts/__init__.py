"""Users, sessions, factors, devices, invitations, and the throttle of guesses."""
