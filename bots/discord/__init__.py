"""Discord: slash commands, buttons, roles and messages, translated for the app."""
