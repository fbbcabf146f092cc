"""The desks: what agents, supervisors, administrators and auditors may ask of a running site, each at one desk."""
