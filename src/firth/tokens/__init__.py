"""Tokens stage: how text is cut, and the encoded corpus that training reads."""
