"""Answers over REST, on the command line and on a page."""
