"""The numbers that stand for states, commands and events in the shared block.

Plain integers: kernels take them as constants.
"""

# LEG.state
CLOSED = 0
BOUND = 1
"""Its port is ours; nothing is known of the other end."""
LEARNING = 2
"""Sends to the address of the SDP, and waits for the first packet to show the true source."""
CONNECTED = 3
BUSY = 4
"""Its port belongs to another program."""
ROAMING = 5
"""A browser's, connected: its address is the one that its checks have proved, and may change."""

# LEASE.state
FREE = 0
ORDERED = 1
"""Its port is to be bound, or is bound and in stock."""
TAKEN = 2
CLOSING = 3

# LEG.out_source, where it is no slot
NOBODY = -1
PLAYER = -2

# Commands to the relay
OPEN = 1  # a: SSRC, b: first timestamp, c: first sequence number, d, e: 63 random bits each
CONNECT = 2
"""a: host, b: port, c: codec, d: payload type, e: telephone-event's (255: none) | latch << 16 | mux << 17 | the host
that it signals from, or 0, << 18 | milliseconds that it takes in one packet at most, or 0, << 50."""
BRIDGE = 3  # a: the other slot, b: its generation
UNBRIDGE = 4
MUTE = 5  # a: 1 or 0
PLAY = 6  # a: clip, b: 1 when looped
STOP_PLAYING = 7
TAP = 8  # a: 1 or 0
CLOSE = 9
HOLD = 10  # a: 1 or 0
FEED = 11  # its feed is heard from now on
ATTEND = 12  # a: 1 when a browser is at the other end
MOVE = 14  # a: host, b: port
SECURE = 13
"""a: SRTP profile, or 0; b, c: bytes of the MKI received, and the MKI; d: how often our sequence numbers have wrapped;
e: SSRC received | its rollover counter << 32, or -1."""
REPORT_TO = 17  # a: host, or 0; b: port, or 0
PASS_KEYS = 15  # a: 1 or 0
PRESS = 16  # a: event code, b: samples

# Commands to the worker
START_AMD = 20  # a: operating point
STOP_AMD = 21
START_RECORDING = 22  # a: 1 when it begins paused
STOP_RECORDING = 23
STOP_ALL_RECORDINGS = 24
ROUTE = 25  # a: source slot, b: its generation, c: 1 for the leg that the source is bridged to
UNROUTE = 26  # a: source slot, or -1 for all
PAUSE_RECORDING = 27  # a: 1 to pause, 0 to go on

# Events
LEG_BOUND = 40
LEG_BUSY = 41  # a: errno
LEG_CLOSED = 42
LEG_FAILED = 43  # a: errno
FIRST_RECEIVED = 44
FIRST_BRIDGED = 45
FIRST_PLAYED = 46  # a: clip
PLAYING_ENDED = 47  # a: clip
DIGIT_PRESSED = 48  # a: event code, b: duration in timestamp units
SPEECH_STARTED = 50
VERDICT_REACHED = 51  # a: verdict, b: cause, c: audio in ms, d: probability in millionths, e: 1 for a correction
RECORDING_CLOSED = 52  # a: samples it lasts, b: frames lost, c: part, d: samples it holds
RECORDING_FAILED = 53  # a: errno, b: part, or 0
VERDICT_FEATURES = 54
"""a-d: eight float32, two in each word; e: place of the first. All that a verdict was founded on, sent before it."""
BEEP_HEARD = 55
GREETING_ENDED = 56

LONGEST_MAXPTIME_MS = 0xFF
NO_EVENTS = 0xFF  # in CONNECT, where a number for telephone events may be
