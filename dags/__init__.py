"""WHEN it runs. Thin: a schedule, a task, one bridge call. This room must not know a platform by name."""
