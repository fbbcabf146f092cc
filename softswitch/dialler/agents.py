"""Agents and their states."""

from enum import StrEnum


class AgentState(StrEnum):
    OFFLINE = "offline"
    READY = "ready"
    RESERVED = "reserved"
    IN_CALL = "in call"
    WRAP_UP = "wrap-up"
    PAUSED = "paused"
