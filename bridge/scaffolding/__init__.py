"""New adapters and platforms as files to begin with. Nothing here runs once calls flow."""
