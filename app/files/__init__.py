"""Where the sealed pieces of files rest: a folder, or a store that speaks S3."""
