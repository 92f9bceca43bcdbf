"""Sealing, wrapping, digests and tokens: bytes in, bytes out; no SQL, no HTTP, no files, no clock."""
