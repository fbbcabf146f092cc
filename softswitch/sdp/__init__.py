"""Session descriptions: read and written (`session`), negotiated (`negotiate`), with keys in them (`crypto`), and
with browsers (`webrtc`)."""
