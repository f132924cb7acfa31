"""The mascot in a Discord voice channel: it answers aloud there, and never listens.

* `commands` is ``/voice``; `places` knows in which channel of which server the mascot is
* `speaker` says one thing after another there; `speech` is the sound as the library wants it
* `announced` words an announcement that is read aloud

Nothing is received: voice channels are end-to-end encrypted (DAVE), discord.py has no interface for
what others say, and the mascot enters deafened. Questions are written, or said as a voice message.

https://discord.com/developers/docs/topics/voice-connections
"""

from bots.discord.channel.commands import BUTTONS, VoiceCommands
from bots.discord.channel.places import Places, can_speak

__all__ = ["BUTTONS", "Places", "VoiceCommands", "can_speak"]
