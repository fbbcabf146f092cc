"""What must hold whatever else goes wrong: who may be called, who may see what, and what is written down of it.

`gate` is the one question in front of the wire, `interlocks` and `conditions` what must be so for anything to be
dialled. `visibility` and the modules of views beside it are all that people are ever shown of calls and leads.
`audit` and its companions are the log that shows every change to itself; `four_eyes`, `overrides` and `retention` are
for what takes two people, or a time that is over.
"""
