"""The mapping language: one YAML file a platform, both directions, compiled to plain Python."""
