"""The dialler: one campaign's machine, from the list of leads to the disposition.

`dialling.Dialler` is its face, `events` what it tells its driver to do. On a call's way, in this order: `supply` and
`hopper` (whose turn it is), `pace` (when), `placing` (up to the answer), `answering` (the two-second rule, an agent
or the message), `judging` (what verdicts do), `books` (record, lead and ledger at the end). `agents` has who is
ready; `abandonment`, `rules` and `compliance` hold what the regulator asks.
"""
