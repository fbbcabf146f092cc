"""Call legs: INVITE sessions with one peer each, which speak one neutral vocabulary (`events`) whoever called.

`leg` is what both kinds have in common, `outgoing` and `incoming` are the kinds. Offers and answers within a call are
in `offers`, session timers in `sessions`, transfers in `transfer`; `snapshots` lets the next process go on with a
leg.
"""
