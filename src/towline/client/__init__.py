"""Clients of Towline's own public protocols."""
