"""Places: which gates are rooms, and where announcements to them are posted.

A gate without any place, such as who may use a perk, is no room.
"""

from collections.abc import Mapping, Sequence

from core.access import ChannelKeeper
from core.town import Gate, TownPack


def has_place(gate: Gate) -> bool:
    """Whether the gate opens a room on the web, a chat or a channel."""
    return bool(gate.web_room or gate.telegram_chat or gate.discord_role or gate.discord_channel)


def rooms_of(town: TownPack) -> Sequence[Gate]:
    """The gates that people can go into, in the order of the pack."""
    return [gate for gate in town.gates if has_place(gate)]


def posting_places(
    town: TownPack, keepers: Mapping[str, ChannelKeeper], gate_name: str | None
) -> tuple[tuple[str, str], ...]:
    """Where an announcement to a room, or to the whole town, is posted."""
    gate = town.gate(gate_name) if gate_name is not None else None
    if gate is not None:
        found = {
            "telegram": gate.telegram_chat,
            "discord": gate.discord_channel,
            "web": gate.name if gate.web_room else None,
        }
    else:
        found = {
            "telegram": town.telegram.announcement_chat,
            "discord": town.discord.announcement_channel if town.discord else None,
            "web": "board",
        }
    return tuple(
        (platform, str(place))
        for platform, place in found.items()
        if place is not None and platform in keepers
    )
