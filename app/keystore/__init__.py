"""One share per grant, in a database of its own: destroying a share revokes, expires or erases."""
