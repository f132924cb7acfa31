"""Hearing: a recording to a question, with the town's names as the town writes them."""
