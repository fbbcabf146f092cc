"""What an administrator gives to a running site: its file, agents, messages, lists, trunks, and phones' files."""
