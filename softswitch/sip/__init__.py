"""SIP's messages and machines (RFC 3261 and those that amend it), without a socket or a clock.

From bytes up: `grammar`, `headers`, `uri` and `values`; `parser` and `message`; `transaction` with its tables, and
`layer`, which matches what comes in to transactions; `dialog`. Beside them `digest` and `authenticator`, `registrar`
and `registration`, `identity` (who calls), `locating` (which server), and the trace: `message_ring`, `hep`, `pcap`.
"""
