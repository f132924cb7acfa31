"""Telegram: commands, buttons, channels and messages, translated for the app."""
