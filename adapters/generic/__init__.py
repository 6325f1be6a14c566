"""REST platforms by configuration alone: what one can do, and in which words, stands in its settings (docs/rest.md)."""
