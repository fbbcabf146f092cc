"""The web room: one application (`app`) with REST (`api` and the modules that it includes), pages and metrics.

Everything comes in through `guard`. What a page shows are views of `softswitch.safeguards`, never records; what it
asks of the switch is written down in `control`, `administration` and `audit_control`, which the exchange's desks
fulfil.
"""
