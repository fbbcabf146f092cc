"""Lines: SIP legs joined to media legs, and what they stand on: carriers, ports, certificates, the trace of messages.

A line tells its owner what becomes of it; whose line it is, only the owner knows.
"""
