"""Runs on other machines: asked over one ssh connection a host, in JSON lines.

Both ends are here; ssh is the access control, and nothing listens.
"""
