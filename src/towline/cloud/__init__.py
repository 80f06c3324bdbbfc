"""Tencent Cloud API 3.0: the actions of tcr and vpc over the record store."""
