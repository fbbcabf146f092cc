"""Where SIP meets the network: UDP, TCP, TLS and WebSocket as one way in and out (`stack`), the names of carriers
(`resolver`), and the driver that runs all pure machines on one event loop (`driver`)."""
