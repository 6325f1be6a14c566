"""The `huying` command by topic. Words for people, no logic of the bridge."""
