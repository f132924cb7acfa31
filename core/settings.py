"""Settings: what differs between deployments, read once from the environment and ``.env``.

Every name carries the prefix ``KANKEI_``. What differs between *towns* stands in the town pack.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "KANKEI_"
FREE_TELEGRAM_RATE = 30
"""Messages a second: https://core.telegram.org/bots/faq#broadcasting-to-users."""


class Settings(BaseSettings):
    """One deployment. A missing token leaves that door off; no key at all still runs a town."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    town: Path = Field(default=Path("towns/mine"), description="Folder of the town pack.")
    data_dir: Path = Field(
        default=Path("var"), description="Where the database file, the index and keys are kept."
    )
    database_url: str = Field(
        default="", description="SQLAlchemy URL; empty: a SQLite file in the data folder."
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="Signs sessions and links; empty: made once and kept in the data folder.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="How much is logged."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="One line an event, for people or as JSON for programs."
    )
    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port of /metrics on 127.0.0.1, for Prometheus; 0: no figures are told.",
    )
    staff: Annotated[Mapping[str, str], NoDecode] = Field(
        default={},
        description="Who is staff in chat, such as `telegram:123=hana,discord:456`; "
        "the name is that of `kankei staff-link`.",
    )

    host: str = Field(default="127.0.0.1", description="Address the web pages listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port of the web pages.")
    public_url: str = Field(
        default="", description="How people reach the web pages, such as `https://town.example`."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Addresses whose X-Forwarded-For header is believed."
    )

    telegram_token: SecretStr | None = Field(default=None, description="From @BotFather.")
    telegram_api_url: str = Field(
        default="https://api.telegram.org/bot", description="Bot API, or a self-hosted one."
    )
    telegram_file_url: str = Field(
        default="https://api.telegram.org/file/bot", description="Files of the Bot API."
    )
    telegram_webhook: bool = Field(
        default=False, description="Receive by webhook at the public URL instead of polling."
    )
    telegram_webhook_secret: SecretStr | None = Field(
        default=None, description="Secret token of the webhook; empty: derived from the key."
    )
    telegram_rate: float = Field(
        default=30.0, gt=0, le=1000, description="Messages a second that Telegram allows us."
    )
    telegram_paid_broadcast: bool = Field(
        default=False,
        description="Pay Telegram 0.1 Stars for each message above 30 a second.",
    )

    discord_token: SecretStr | None = Field(default=None, description="From the developer portal.")
    discord_api_url: str = Field(
        default="https://discord.com/api/v10", description="Discord's REST address."
    )
    discord_gateway_url: str = Field(
        default="wss://gateway.discord.gg/", description="Discord's gateway."
    )
    discord_cdn_url: str = Field(
        default="https://cdn.discordapp.com", description="Discord's file host."
    )
    discord_rate: float = Field(
        default=5.0, gt=0, le=50, description="Messages a second that we send on Discord."
    )

    openai_api_key: SecretStr | None = Field(
        default=None, description="Key of an OpenAI-compatible service."
    )
    openai_base_url: str | None = Field(
        default=None, description="Any OpenAI-compatible endpoint; set it or the key."
    )
    openai_model: str = Field(default="gpt-4o-mini", description="Model that phrases answers.")
    openai_timeout: timedelta = Field(
        default=timedelta(seconds=20), description="After this the extract is sent instead."
    )

    embeddings_base_url: str | None = Field(
        default=None,
        description="OpenAI-compatible embeddings endpoint; empty: the models that are installed.",
    )
    embeddings_model: str = Field(
        default="text-embedding-3-small", description="Model that the guide's search asks for."
    )
    embeddings_api_key: SecretStr | None = Field(
        default=None, description="Key of the embeddings endpoint."
    )
    embeddings_dimensions: int | None = Field(
        default=None, ge=1, le=10_000, description="Dimensions asked for; empty: the model's own."
    )
    embeddings_query_prefix: str = Field(
        default="", description="Put before questions; `query: ` for models of the E5 family."
    )
    embeddings_passage_prefix: str = Field(
        default="", description="Put before passages; `passage: ` for models of the E5 family."
    )
    embeddings_batch: int = Field(
        default=64, ge=1, le=2_048, description="Most passages in one request."
    )
    embeddings_timeout: timedelta = Field(
        default=timedelta(seconds=3),
        description="After this a question is answered without the endpoint.",
    )

    voice: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Questions and answers aloud: `auto` where something can hear or speak, `on` "
        "tells staff what is missing, `off` not at all.",
    )
    transcription_base_url: str | None = Field(
        default=None,
        description="OpenAI-compatible transcriptions; empty: the recogniser that is installed.",
    )
    transcription_model: str = Field(
        default="whisper-1", description="Model that makes text of questions that were said."
    )
    transcription_api_key: SecretStr | None = Field(
        default=None, description="Key of the transcriptions endpoint."
    )
    transcription_timeout: timedelta = Field(
        default=timedelta(seconds=20),
        gt=timedelta(0),
        description="After this the person is asked to write instead.",
    )
    speech_base_url: str | None = Field(
        default=None,
        description="OpenAI-compatible speech; empty: the voices that are installed.",
    )
    speech_model: str = Field(default="tts-1", description="Model that says answers.")
    speech_api_key: SecretStr | None = Field(
        default=None, description="Key of the speech endpoint."
    )
    speech_voice: str = Field(
        default="", description="Voice that says answers; empty: the one of the town's persona."
    )
    speech_timeout: timedelta = Field(
        default=timedelta(seconds=20),
        gt=timedelta(0),
        description="After this the written answer stands alone.",
    )

    chain_endpoints: dict[int, tuple[str, ...]] = Field(
        default_factory=dict,
        description='JSON-RPC endpoints a chain id: `{"137": ["https://…"]}`.',
    )
    chain_requests_per_second: float = Field(
        default=25.0, gt=0, le=10_000, description="Requests a second to each endpoint of a chain."
    )
    chain_requests_a_day: int = Field(
        default=0,
        ge=0,
        description="Requests a day (UTC) to each endpoint of a chain; 0: as many as are needed.",
    )
    ipfs_gateway: str = Field(
        default="",
        description="Reads `ipfs://` descriptions of tokens, such as `https://gateway.example`.",
    )
    recheck_every: timedelta = Field(
        default=timedelta(minutes=10), description="How often every member's holdings are read."
    )
    index_every: timedelta = Field(
        default=timedelta(seconds=15),
        gt=timedelta(0),
        description="How often the chains are asked for new transfers.",
    )

    @field_validator("staff", mode="before")
    @classmethod
    def _accounts_with_names(cls, value: object) -> object:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, Mapping) or not isinstance(value, Iterable):
            return value
        pairs = (str(each).partition("=") for each in value)
        return {account.strip(): name.strip() for account, _, name in pairs}

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator("staff")
    @classmethod
    def _platform_and_id(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for entry in value:
            platform, _, account = entry.partition(":")
            if platform not in {"telegram", "discord"} or not account.isdigit():
                raise PydanticCustomError(
                    "staff_accounts", "write staff as telegram:123=hana,discord:456"
                )
        return value

    def staff_name(self, platform: str, account: str) -> str:
        """Who of the staff speaks with an account: as the console names them, where it is said."""
        spoken = f"{platform}:{account}"
        name = self.staff.get(spoken)
        return f"staff:{name}" if name else spoken

    @field_validator("ipfs_gateway")
    @classmethod
    def _https(cls, value: str) -> str:
        if value and not value.startswith("https://"):
            raise PydanticCustomError("https_address", "write the gateway as https://…")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _how_people_reach_it(cls, value: str) -> str:
        """It stands in links, and in the text that is signed."""
        parts = urlsplit(value)
        bare = parts.scheme in {"http", "https"} and parts.hostname and parts.path in {"", "/"}
        if value and (not bare or parts.query or parts.fragment or parts.username):
            raise PydanticCustomError(
                "public_url",
                "write {name} as https://town.example, without a path",
                {"name": f"{PREFIX}PUBLIC_URL"},
            )
        return value

    @model_validator(mode="after")
    def _rate_that_is_paid(self) -> Self:
        if self.telegram_rate > FREE_TELEGRAM_RATE and not self.telegram_paid_broadcast:
            raise PydanticCustomError(
                "unpaid_rate",
                "Telegram allows {limit} messages a second: lower {prefix}TELEGRAM_RATE, or set "
                "{prefix}TELEGRAM_PAID_BROADCAST=true, which costs 0.1 Stars for each message "
                "above that",
                {
                    "limit": FREE_TELEGRAM_RATE,
                    "prefix": PREFIX,
                    "setting": f"{PREFIX}TELEGRAM_RATE",
                },
            )
        return self

    @model_validator(mode="after")
    def _no_misspelt_variable(self) -> Self:
        """A misspelt environment variable is otherwise ignored in silence."""
        known = {f"{PREFIX}{name}".upper() for name in type(self).model_fields}
        unknown = sorted(
            name for name in os.environ if name.upper().startswith(PREFIX) and name not in known
        )
        if unknown:
            raise PydanticCustomError(
                "unknown_setting",
                "unknown setting in the environment: {written}",
                {"written": ", ".join(unknown), "names": unknown},
            )
        return self

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in use."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'kankei.sqlite3'}"

    @property
    def address(self) -> str:
        """How people reach the pages, without a trailing slash."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")
