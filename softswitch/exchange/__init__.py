"""The exchange: carries out on SIP and media what the pure rooms decide, and tells them what came of it.

Lines join a SIP leg to a media leg; agents' lines last a shift; dialled and inbound calls come and go. Only
`softswitch.switch` builds these, and nothing but they talks to both the UA pool and the media plane.
"""
