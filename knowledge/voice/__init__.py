"""Hearing questions and speaking answers: ports, engines here, and any endpoint."""
