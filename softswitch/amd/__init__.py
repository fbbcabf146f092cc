"""Answering-machine detection: who answered, from the callee's audio alone, frame by frame.

`model` is the machine over one row of `state` for each call: `features` measures, `voice` and `timing` say when
somebody speaks and how, `network` judges, and `policy` decides when enough is known for a verdict (`verdict`) and
when one was wrong. `tones`, `lines` and `beeps` hear what machines and networks send. The rest (`evaluate`,
`figures`, `listen` and what they draw) measures the detector; docs/amd.md has what came of it.
"""
