"""Files that people attach to a call: seen on one platform, kept by content, written to the others."""
