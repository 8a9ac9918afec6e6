"""What a ticket's text says: language, intent, urgency, sentiment, automatic mail. Pure."""
