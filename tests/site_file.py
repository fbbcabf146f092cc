"""The part of a configuration file that every site has: where recordings are sealed to, and a carrier."""

from softswitch.recordings.keys import new_key_pair

COMMON = f"""\
[recordings]
auditor_public_key = "{new_key_pair().public.hex()}"

[[trunks]]
name = "carrier"
host = "127.0.0.2"
caller_id = "+442079460100"
"""
