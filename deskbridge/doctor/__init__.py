"""A check-up of a bridge and its desks: every line says how something stands, what that means and what to do."""

from deskbridge.doctor.checkup import Line, check_up, exit_code

__all__ = ["Line", "check_up", "exit_code"]
