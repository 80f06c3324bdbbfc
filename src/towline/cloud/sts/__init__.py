"""Security tokens, `sts` 2018-08-13: temporary credentials, and who is asking."""
