"""Public fakes and the lab: virtual time and wires for pure tests, real SIP and RTP ends for whole calls.

`Clock`, `Wire`: pure tests. `Callee`, `Trunk`, `Phone`: a carrier, what answers behind it, and agents' phones.
"""
