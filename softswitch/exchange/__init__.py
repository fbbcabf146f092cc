"""The exchange: carries out on SIP and media what the pure rooms decide, and tells them what came of it.

Only `softswitch.switch` builds these, and nothing but they talks to both the UA pool and the media plane. Its rooms
stand in this order, and each knows only those before it: `audit`, `telephony` (lines, and what they stand on), `floor`
(agents and supervisors), `calls` (dialled and inbound), `running` (the site as a whole), `intake` (what an
administrator gives it) and `desks` (what people may ask of it).
"""
