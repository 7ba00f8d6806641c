"""Helpers for all rooms: files, tables, threads, paths and text.

Nothing here knows images, networks or settings.
"""
