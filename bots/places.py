"""Which gates are rooms. One without any place, such as who may use a perk, is no room."""

from collections.abc import Sequence

from core.town import Gate, TownPack


def has_place(gate: Gate) -> bool:
    """Whether the gate opens a room on the web, a chat or a channel."""
    return bool(gate.web_room or gate.telegram_chat or gate.discord_role or gate.discord_channel)


def rooms_of(town: TownPack) -> Sequence[Gate]:
    """The gates that people can go into, in the order of the pack."""
    return [gate for gate in town.gates if has_place(gate)]
