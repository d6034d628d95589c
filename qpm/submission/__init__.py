"""Zips of masks for the servers that hold the truth: written, and checked before anybody waits for an answer."""
