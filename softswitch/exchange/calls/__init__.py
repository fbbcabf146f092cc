"""Dialled, inbound and test calls of a running site, with their leads, queues and interviews, and the store's records
of them."""
