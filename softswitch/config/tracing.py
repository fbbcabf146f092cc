"""What a site's TOML file may say of traces: [trace]."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from softswitch.config.fields import OptionalFile, Section


class TraceSettings(Section):
    """[trace]: messages that are kept for `softswitch trace`, and told to Homer."""

    messages: Annotated[int, Field(ge=0, le=5_000_000)] = 20_000
    """How many of the last SIP messages are kept in memory, about 14 a call; 0 keeps none."""
    megabytes: Annotated[int, Field(ge=1, le=4096)] = 16
    """How much memory they may take; the oldest go first."""
    homer: Annotated[str, Field(pattern=r"^(|[A-Za-z0-9.-]+:[1-9]\d{0,4}|\[[0-9A-Fa-f:]+\]:[1-9]\d{0,4})$")] = ""
    """Capture server that is told of every message by HEP3 over UDP, as in "192.0.2.9:9060"; empty: none."""
    homer_id: Annotated[int, Field(ge=0, le=2**32 - 1)] = 2001
    """Number under which the capture server knows this switch."""
    homer_password: SecretStr = SecretStr("")
    """Where the capture server asks for one; better in a file of its own."""
    homer_password_file: OptionalFile = None
    """File with the password, instead of `homer_password`."""
    homer_numbers: Literal["masked", "whole"] = "masked"
    """"masked": the capture server gets messages without numbers and names; "whole": as they were, which only
    one on this machine may."""
