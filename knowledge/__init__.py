"""Answers from a town's guide documents, each with its source and its date."""
