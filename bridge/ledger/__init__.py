"""What the bridge remembers: raw records, calls and their history, links, outbox, cursors, dead letters."""
