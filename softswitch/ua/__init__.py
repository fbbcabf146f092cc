"""The user agent pool: carriers, agents' phones and call legs of one SIP address, as one machine.

`pool.UserAgentPool` is its face. What comes in passes `front_door` and `defence`, then `reception`, and is handed on
by `dispatch`; what goes out is made by `making` and takes the way of `lines`, where no trunk is reached but through
the gate. `tries`, `targets`, `routes` and `health` say over which carrier and server.
"""
