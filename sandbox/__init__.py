"""Local desks that speak each vendor's wire format; they import nothing of Deskbridge."""
