"""The command line: a module for each group of commands, and what they do that no room of the house does."""
