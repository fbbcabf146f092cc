"""What the administrator's part of the API takes. A key that is left out stays as it is in the site's file."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Name = Annotated[str, Path(min_length=1, max_length=64, pattern=_NAME)]
PromptName = Annotated[str, Path(min_length=1, max_length=32, pattern=r"^[a-z][a-z0-9_]*$")]
NameText = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_NAME)]
Ref = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9a-f]+$", description="As it was answered.")]
UploadRef = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[0-9a-f]+$")]
# Control characters have no place in a line of the file, whoever writes it.
Line = Annotated[str, StringConstraints(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Columns = Annotated[
    dict[Line, Line],
    Field(
        max_length=50,
        description="Meaning: the file's own name for the column.",
        json_schema_extra={"additionalProperties": False, "propertyNames": {"maxLength": 128}},
    ),
]


class Change(BaseModel):
    model_config = ConfigDict(extra="forbid")

    def told(self) -> dict[str, object]:
        """Only what was sent."""
        return self.model_dump(exclude_unset=True)


class SiteChange(Change):
    name: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")] = ""
    time_zone: Annotated[Line, Field(description="IANA name.")] = ""
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = ""


class TrunkChange(Change):
    host: Line = ""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    transport: Literal["auto", "udp", "tcp", "tls"] = "auto"
    username: Line = ""
    password: Annotated[Line, Field(description="Left out or empty: the one there is. It is never answered.")] = ""
    register_: Annotated[bool, Field(alias="register", description="Whether to register with the carrier.")] = False
    caller_id: Annotated[Line, Field(description="E.164.")] = ""
    channels: Annotated[int, Field(ge=1, le=10_000)] = 30
    calls_per_second: Annotated[float, Field(gt=0, le=1000)] = 5.0

    def told(self) -> dict[str, object]:
        return self.model_dump(exclude_unset=True, by_alias=True, exclude={"password"})


class CampaignChange(Change):
    purpose: Literal["research", "marketing"] = "research"
    policy: Literal["progressive", "predictive", "guaranteed_agent", "preview", "manual", "ratio"] = "predictive"
    trunk: Line = ""
    caller_id: Line = ""
    opens: Annotated[Clock, Field(description="The callee's local time.")] = "09:00"
    closes: Clock = "21:00"
    weekdays: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(max_length=7)] = []
    information_message: Line = ""
    visible_fields: Annotated[list[NameText], Field(max_length=50)] = []
    agents: Annotated[list[NameText], Field(max_length=500)] = []
    wrap_up_s: Annotated[float, Field(ge=0, le=3600)] = 15.0
    maximum_attempts: Annotated[int, Field(ge=1, le=100)] = 6


class Uploaded(Change):
    upload_ref: UploadRef


class AgentsUpload(Uploaded):
    columns: Columns = {}
    dry_run: bool = True


class ListUpload(AgentsUpload):
    campaign: NameText


class TestCallWish(Change):
    __test__ = False

    trunk: NameText
    number: Annotated[str, StringConstraints(min_length=3, max_length=32)]
